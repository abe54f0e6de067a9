package soak

import (
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/thorough"
)

const (
	keepBackups  = 6
	siteRestores = 25 // rounds of one site
	admin        = 2  // place in usernames
)

// request is one request of a release, in whatever state of the database it was stored.
type request struct {
	order, user string
	at          int64 // milliseconds
}

// drill is a program that loses its data folder, or has an older backup restored under newer anchors, again and again.
type drill struct {
	*soak
	data    string
	backups []string
	all     map[request]bool // that were ever stored
	sent    map[request]bool // those of them whose call reached the other side
	seen    int              // calls that were looked at
	counts  map[string]int
}

func TestARestoreNamesEachReleaseThatItLostAndNothingIsUntrue(t *testing.T) {
	thorough.Unraced(t)
	t.Parallel()
	eachSite(t, times(t, "SOAK_RESTORES", strconv.Itoa(thorough.Times(1, 2))), siteRestores, restoreOneSite)
}

func restoreOneSite(t *testing.T, random *rand.Rand, rounds int) {
	d := &drill{soak: newSoak(t, random), all: map[request]bool{}, sent: map[request]bool{}, counts: map[string]int{}}
	d.data = d.args[4]
	d.args = append(d.args, "--anchors", d.anchors())
	began := time.Now()
	for round := range rounds {
		d.work(round)
		d.lose()
		d.check()
		d.acknowledge()
		d.running.kill()
		d.harvest()
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("%d rounds in %v, %d releases sent: %v", rounds, time.Since(began).Round(time.Second), len(d.sent), d.counts)
}

func (d *drill) anchors() string { return filepath.Join(filepath.Dir(d.data), "anchors.log") }

// work presses release of some orders, makes a backup at any time, and kills the program in the midst of it.
func (d *drill) work(n int) {
	d.prepare(n)
	d.start()
	d.web.signInAll(d.t)
	if n == 0 || d.random.IntN(2) == 0 {
		d.backup()
	}
	ids := d.web.find(d.t, d.prefix(n), newOrders)
	if n > 0 {
		maps.Copy(ids, d.web.find(d.t, d.prefix(n-1), newOrders))
	}
	d.pressAndKill(ids)
	if d.random.IntN(2) == 0 {
		d.backup() // of what the kill left
	}
	d.harvest()
}

// command runs the program for a moment, and returns what it said and its exit code.
func (d *drill) command(args ...string) (string, int) {
	d.t.Helper()
	path, err := binary()
	if err != nil {
		d.t.Fatal(err)
	}
	command := exec.CommandContext(d.t.Context(), path, args...)
	command.Env = d.env
	said, err := command.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.t.Fatal(err)
	}
	return string(said), command.ProcessState.ExitCode()
}

func (d *drill) backup() {
	d.t.Helper()
	file := filepath.Join(filepath.Dir(d.data), fmt.Sprintf("backup-%d.db", time.Now().UnixNano()))
	if said, code := d.command("backup", "--data", d.data, "--anchors", d.anchors(), "--to", file); code != 0 {
		d.t.Fatalf("backup: %d, %s", code, said)
	}
	if d.backups = append(d.backups, file); len(d.backups) > keepBackups {
		gone := d.random.IntN(keepBackups)
		d.backups = slices.Delete(d.backups, gone, gone+1)
	}
}

// harvest notes the requests of the program that was killed, and which of them reached the other side.
func (d *drill) harvest() {
	d.t.Helper()
	if !d.remote.await(hang, func() bool {
		return !slices.ContainsFunc(d.remote.patches, func(p *patch) bool { return p.ended.IsZero() })
	}) {
		d.t.Fatal("the sandbox never ends")
	}
	stored := d.requests()
	for _, r := range stored {
		d.all[r] = true
	}
	calls := d.remote.of("")
	for _, p := range calls[d.seen:] {
		var of *request
		for _, r := range stored {
			if r.order == p.order && r.at <= p.arrived.UnixMilli() {
				of = &r
			}
		}
		if of == nil {
			d.t.Errorf("a call of release of %s arrived at %v without a claim", p.order, p.arrived)
			continue
		}
		d.sent[*of] = true
	}
	d.seen = len(calls)
}

func (d *drill) open() *sql.DB {
	d.t.Helper()
	path := filepath.Join(d.data, "lineboard.db")
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&_busy_timeout=5000")
	if err != nil {
		d.t.Fatal(err)
	}
	return db
}

// requests are those that the database has, but for those that stand for lost ones. The oldest is first.
func (d *drill) requests() (all []request) {
	db := d.open()
	defer db.Close()
	each(d.t, db, `
		SELECT o.order_key, r.username, r.requested_at FROM releases r JOIN orders o ON o.id = r.order_id ORDER BY r.requested_at, r.id`,
		func(scan func(...any)) {
			var r request
			scan(&r.order, &r.user, &r.at)
			all = append(all, r)
		})
	return all
}

// lose takes the data folder away, restores a backup, or leaves all as the kill left it. It starts the program again.
func (d *drill) lose() {
	d.t.Helper()
	way := []string{
		"killed", "restored", "restored", "restored twice", "lost and restored", "lost and accepted",
	}[d.random.IntN(6)]
	d.counts[way]++
	args := d.args
	switch way {
	case "restored":
		d.restore()
	case "restored twice":
		d.restore()
		d.begin(args)
		d.running.kill()
		d.restore()
	case "lost and restored":
		d.loseFolder()
		d.refuses(args, "--accept-lost-history=plant-soak:")
		d.restore()
	case "lost and accepted":
		d.loseFolder()
	}
	d.begin(args)
	d.web.signInAll(d.t)
}

func (d *drill) restore() {
	d.t.Helper()
	from := d.backups[d.random.IntN(len(d.backups))]
	if said, code := d.command("restore", "--data", d.data, "--anchors", d.anchors(), "--from", from); code != 0 {
		d.t.Fatalf("restore: %d, %s", code, said)
	}
}

// loseFolder takes the data folder away. Its key is kept elsewhere, as the documents say.
func (d *drill) loseFolder() {
	d.t.Helper()
	key, err := os.ReadFile(filepath.Join(d.data, "lineboard.key"))
	err = errors.Join(err, os.RemoveAll(d.data), os.Mkdir(d.data, 0o700))
	if err = errors.Join(err, os.WriteFile(filepath.Join(d.data, "lineboard.key"), key, 0o600)); err != nil {
		d.t.Fatal(err)
	}
}

var accept = regexp.MustCompile(`--accept-lost-history=\S+:\d+`)

// refuses starts the program, which must not start, and returns what it says.
func (d *drill) refuses(args []string, why string) string {
	d.t.Helper()
	said, code := d.command(args...)
	if code != 1 || !strings.Contains(said, why) {
		d.t.Fatalf("started with %q: %d, %s", args, code, said)
	}
	return said
}

// begin starts the program. What it refuses to start without, a person accepts, one thing after the other.
func (d *drill) begin(args []string) {
	d.t.Helper()
	for {
		d.running = start(d.t, d.env, args...)
		select {
		case address := <-d.running.said.address:
			d.web.base = address
			return
		case <-d.running.ended:
		case <-time.After(hang):
			d.t.Fatalf("the program does not start\n%s", d.running.said)
		}
		flag := accept.FindString(d.running.said.String())
		if flag == "" || slices.Contains(args, flag) {
			d.t.Fatalf("the program ended before it served\n%s", d.running.said)
		}
		d.counts["accepted"]++
		args = append(slices.Clone(args), flag)
	}
}

// check waits until all is settled, and compares what the program says with the sandbox's books.
func (d *drill) check() {
	d.t.Helper()
	d.remote.box.ClearFaults()
	paths := d.orderPaths()
	d.checkNamed()
	if strings.Contains(d.running.said.String(), "panic") {
		d.t.Errorf("the program said: %s", d.running.said)
	}
	carried := map[string][]sandbox.Released{}
	for _, c := range d.remote.box.Released() {
		carried[c.OrderID] = append(carried[c.OrderID], c)
	}
	lost := d.lostOrders()
	for r := range d.sent {
		page := d.settled(paths, r.order)
		d.checkPage(r.order, page, carried[r.order], lost[r.order])
		d.checkDownload(paths[r.order], carried[r.order])
		d.checkHistory(r.order, carried[r.order], lost[r.order])
	}
	d.checkReports(carried)
	for _, path := range []string{"/", "/orders?q=K", "/history", "/shifts"} {
		page := d.web.page(d.t, path)
		if strip := page.Find(".loss").Length() > 0; strip != d.unacknowledged() {
			d.t.Errorf("%s shows the strip: %v", path, strip)
		}
	}
	d.checkVerify()
}

// orderPaths are the paths of the pages of all orders that were ever sent.
func (d *drill) orderPaths() map[string]string {
	d.t.Helper()
	paths, missing := map[string]string{}, request{}
	defer func() {
		if d.t.Failed() && missing.order != "" {
			d.t.Logf("missing: %+v; the program says: %s", missing, d.running.said)
		}
	}()
	await(d.t, "all orders that were sent are here", func() bool {
		db := d.open()
		defer db.Close()
		each(d.t, db, `SELECT order_key, id FROM orders`, func(scan func(...any)) {
			var key string
			var id int64
			scan(&key, &id)
			paths[key] = fmt.Sprintf("/orders/%d", id)
		})
		for r := range d.sent {
			if paths[r.order] == "" {
				missing = r
				return false
			}
		}
		missing = request{}
		return true
	})
	return paths
}

// checkNamed: each request whose call reached the other side is stored, or named as lost, and nothing else is named.
func (d *drill) checkNamed() {
	d.t.Helper()
	stored, named := map[request]bool{}, map[request]bool{}
	for _, r := range d.requests() {
		stored[r] = true
	}
	db := d.open()
	defer db.Close()
	each(d.t, db, `SELECT order_key, username, requested_at FROM lost_releases`, func(scan func(...any)) {
		var r request
		scan(&r.order, &r.user, &r.at)
		named[r] = true
		if !d.all[r] {
			d.t.Errorf("a release of %s by %s is named as lost, and was never requested", r.order, r.user)
		}
	})
	for r := range d.sent {
		if !stored[r] && !named[r] {
			d.t.Errorf("the release of %s by %s at %d is lost, and nothing names it", r.order, r.user, r.at)
		}
	}
	d.counts["named"] += len(named)
	each(d.t, db, `SELECT count(*) FROM lost_releases l WHERE NOT EXISTS (
		SELECT 1 FROM history h WHERE h.deed = 'release_lost' AND h.order_key = l.order_key AND h.release_id = l.release_id)`,
		func(scan func(...any)) {
			var missing int
			if scan(&missing); missing > 0 {
				d.t.Errorf("the history does not name %d lost releases", missing)
			}
		})
}

// lostOrders are the orders whose latest release stands for a lost one.
func (d *drill) lostOrders() map[string]bool {
	db := d.open()
	defer db.Close()
	lost := map[string]bool{}
	each(d.t, db, `
		SELECT o.order_key FROM orders o JOIN lost_releases l ON l.release_id = o.last_release_id`, func(
		scan func(...any),
	) {
		var key string
		scan(&key)
		lost[key] = true
	})
	return lost
}

// settled waits until the outcome of an order's latest release is known.
func (d *drill) settled(paths map[string]string, key string) (page *goquery.Document) {
	d.t.Helper()
	await(d.t, "the release of "+key+" is settled", func() bool {
		page = d.web.page(d.t, paths[key])
		return page.Find(".result-sending, .result-unknown").Length() == 0
	})
	return page
}

func (d *drill) checkPage(key string, page *goquery.Document, carried []sandbox.Released, lost bool) {
	d.t.Helper()
	said := page.Find("main").Text()
	told := func(format string, args ...any) {
		d.t.Errorf(
			"%s: %s, and its page says %q", key, fmt.Sprintf(format, args...), strings.Join(strings.Fields(said), " "),
		)
	}
	if len(carried) > 1 {
		told("carried out %d times", len(carried))
	}
	if len(carried) > 0 && containsAny(
		said, "was not released.", "not carried out", "not released from here",
		"No release of it from here is recorded",
	) {
		told("it was carried out")
	}
	if len(carried) > 0 && page.Find("form.execute button, form.arm button").Length() > 0 {
		told("it was carried out and is offered")
	}
	if len(carried) == 0 && page.Find(".result-released").Length() > 0 {
		told("it was not carried out")
	}
	if lost && !containsAny(said, "its record was lost", "The record of how it ended") {
		told("the record of its release was lost")
	}
}

func (d *drill) checkDownload(path string, carried []sandbox.Released) {
	d.t.Helper()
	status, _, body, err := d.web.send(0, http.MethodGet, path+"/serials.json", nil)
	switch {
	case err != nil:
		d.t.Error(err)
	case status == http.StatusConflict:
	case status != http.StatusOK || len(carried) == 0:
		d.t.Errorf("%s/serials.json: %d, %.200s", path, status, body)
	default:
		for _, serial := range carried[0].Serials {
			if !strings.Contains(body, strconv.Quote(serial)) {
				d.t.Errorf("%s/serials.json lacks %s", path, serial)
				return
			}
		}
	}
}

// checkHistory: the file of an order's history names a release that was lost, and denies none that was carried out. Of
// several tries, one may have been refused.
func (d *drill) checkHistory(key string, carried []sandbox.Released, lost bool) {
	d.t.Helper()
	rows := d.csv("/history.csv?order=" + url.QueryEscape(key))
	deed, outcome := slices.Index(rows[0], "deed"), slices.Index(rows[0], "outcome")
	named := slices.ContainsFunc(rows[1:], func(row []string) bool { return row[deed] == "release_lost" })
	denied := slices.ContainsFunc(rows[1:], func(row []string) bool { return row[outcome] == "refused" })
	tries := 0
	for r := range d.all {
		if r.order == key {
			tries++
		}
	}
	if lost && !named {
		d.t.Errorf("history.csv of %s does not name its release that was lost:\n%q", key, rows)
	}
	if len(carried) > 0 && tries == 1 && denied {
		d.t.Errorf("%s was carried out, and history.csv says:\n%q", key, rows)
	}
}

// checkReports: the reports of the shifts have each order that was sent. They say of as many of its releases that they
// were released as the sandbox carried out, on the page and in the file.
func (d *drill) checkReports(carried map[string][]sandbox.Released) {
	d.t.Helper()
	onPage, inFile := map[string][]string{}, map[string][]string{}
	for _, path := range d.shifts() {
		d.web.page(d.t, path).Find("table.report-releases tbody tr").Each(func(_ int, row *goquery.Selection) {
			key := row.Find("a.key").Text()
			onPage[key] = append(onPage[key], row.Find("td[data-label=Outcome] .mark").First().Text())
		})
		rows := d.csv(path + "/report.csv?table=releases")
		key, outcome := slices.Index(rows[0], "order_id"), slices.Index(rows[0], "outcome")
		for _, row := range rows[1:] {
			inFile[row[key]] = append(inFile[row[key]], row[outcome])
		}
	}
	for r := range d.sent {
		if n := count(inFile[r.order], "released"); n != len(carried[r.order]) || len(inFile[r.order]) == 0 {
			d.t.Errorf(
				"%s was carried out %d times, and the report's file says %q", r.order, len(carried[r.order]),
				inFile[r.order],
			)
		}
		if n := count(onPage[r.order], "Released"); n != len(carried[r.order]) || len(onPage[r.order]) == 0 {
			d.t.Errorf(
				"%s was carried out %d times, and the report says %q", r.order, len(carried[r.order]), onPage[r.order],
			)
		}
	}
}

// shifts are the paths of the reports of all shifts in which a release was requested.
func (d *drill) shifts() []string {
	zone, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		d.t.Fatal(err)
	}
	paths := map[string]bool{}
	for r := range d.all {
		paths["/shifts/"+time.UnixMilli(r.at).In(zone).Format(time.DateOnly)+"/Day"] = true
	}
	return slices.Collect(maps.Keys(paths))
}

func count(all []string, one string) (n int) {
	for _, each := range all {
		if each == one {
			n++
		}
	}
	return n
}

// csv is a file with its header first.
func (d *drill) csv(path string) [][]string {
	d.t.Helper()
	status, _, body, err := d.web.send(0, http.MethodGet, path, nil)
	if err != nil || status != http.StatusOK {
		d.t.Fatalf("%s: %d, %v", path, status, err)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff"))).ReadAll()
	if err != nil || len(rows) == 0 {
		d.t.Fatalf("%s: %d rows, %v", path, len(rows), err)
	}
	return rows
}

func (d *drill) losses(condition string) (n int) {
	db := d.open()
	defer db.Close()
	each(d.t, db, `SELECT count(*) FROM losses WHERE `+condition, func(scan func(...any)) { scan(&n) })
	return n
}

func (d *drill) unacknowledged() bool { return d.losses(`seen_at IS NULL`) > 0 }

// checkVerify: an open loss is a fault, one that the history binds is a restore, and without one all is intact.
func (d *drill) checkVerify() {
	d.t.Helper()
	want := 0
	switch {
	case d.losses(`seen_at IS NULL AND accepted = 0`) > 0:
		want = 1
	case d.losses(`1`) > 0:
		want = 3
	}
	if said, code := d.command("verify", "--data", d.data, "--anchors", d.anchors()); code != want {
		d.t.Errorf("verify ends with %d, want %d: %s", code, want, said)
	}
	d.counts[fmt.Sprintf("verify %d", want)]++
}

// acknowledge has the administrator acknowledge all losses, and a supervisor a lost release that was not carried out:
// only then it is released again.
func (d *drill) acknowledge() {
	d.t.Helper()
	paths := d.orderPaths()
	again := ""
	for key := range d.lostOrders() {
		if page := d.web.page(d.t, paths[key]); page.Find(".result-refused").Length() > 0 &&
			strings.Contains(page.Find("main").Text(), "Pending release") {
			again = key
		}
	}
	if again != "" {
		d.releaseAgain(again, paths[again])
	}
	if d.random.IntN(3) == 0 {
		return
	}
	page, status := d.web.pageOf(d.t, admin, "/admin/data")
	if status != http.StatusOK {
		d.t.Fatalf("the page of the data: %d", status)
	}
	page.Find("form[action$='/acknowledge']").Each(func(_ int, form *goquery.Selection) {
		status, _, body, err := d.web.send(
			admin, http.MethodPost, form.AttrOr("action", ""), url.Values{"comment": {"the drill"}},
		)
		if err != nil || status != http.StatusSeeOther {
			d.t.Errorf("acknowledged: %d %v %.300s", status, err, body)
		}
	})
	if d.unacknowledged() {
		d.t.Error("a loss is not acknowledged")
	}
	d.checkVerify()
}

func (d *drill) releaseAgain(key, path string) {
	d.t.Helper()
	var release int64
	var seen bool
	db := d.open()
	defer db.Close()
	each(d.t, db,
		`SELECT r.id, EXISTS (SELECT 1 FROM acknowledgements a WHERE a.release_id = r.id AND a.list_source = r.result)
		FROM orders o JOIN releases r ON r.id = o.last_release_id WHERE o.order_key = '`+key+
			`'`, func(scan func(...any)) { scan(&release, &seen) })
	if !seen {
		if p := d.web.press(0, key, path); p.taken {
			d.t.Errorf("%s: it is released again before anybody looked", key)
		}
		status, _, body, err := d.web.send(0, http.MethodPost, path+"/acknowledge",
			url.Values{"release": {strconv.FormatInt(release, 10)}, "comment": {"the line has nothing of it"}})
		if err != nil || status != http.StatusSeeOther {
			d.t.Errorf("%s: its result is not acknowledged: %d %v %.300s", key, status, err, body)
		}
	}
	if p := d.web.press(0, key, path); !p.taken {
		d.t.Errorf("%s: it is not released once a person looked: %+v", key, p)
	}
	d.counts["released again"]++
}

// signInAll signs everybody in whose session the database does not know.
func (w *web) signInAll(t *testing.T) {
	t.Helper()
	for i := range usernames {
		status, _, _, err := w.send(i, http.MethodGet, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if status != http.StatusOK {
			w.signInOne(t, i)
		}
	}
}

func (w *web) pageOf(t *testing.T, by int, path string) (*goquery.Document, int) {
	t.Helper()
	status, _, body, err := w.send(by, http.MethodGet, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := goquery.NewDocumentFromReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return page, status
}
