package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lineboard/internal/config"
	"lineboard/internal/deliver"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/webhook"
	"lineboard/static"
)

// section returns the part of a text below a heading, up to the next one of the same or a higher level.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	_, below, found := strings.Cut(text, "\n"+heading+"\n")
	if !found {
		t.Fatalf("there is no heading %q", heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	if end := regexp.MustCompile(`(?m)^#{1,` + strconv.Itoa(len(level)) + `} `).FindStringIndex(below); end != nil {
		below = below[:end[0]]
	}
	return below
}

// rows returns the cells of the tables in a text, without the lines below their heads.
func rows(text string) (all [][]string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|--") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		all = append(all, cells)
	}
	return all
}

// inCode returns what stands between backticks.
func inCode(text string) (all []string) {
	for _, m := range code.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

func TestTheTableOfRolesIsThatOfTheProgram(t *testing.T) {
	table := rows(section(t, read(t, "docs/reference.md"), "## Roles"))
	roles, described := table[0][2:], ""
	if len(roles) != len(packaging.Roles) {
		t.Errorf("the table has %d roles, the program %d", len(roles), len(packaging.Roles))
	}
	for _, row := range table[1:] {
		described += row[0]
		for i, role := range roles {
			role, right := packaging.Role(strings.Trim(role, "`")), packaging.Action(strings.Trim(row[0], "`"))
			if may := row[2+i] == "x"; may != role.May(right) {
				t.Errorf("%s may %s: the table says %v", role, right, may)
			}
		}
	}
	rights := regexp.MustCompile(`Action = "(\w+)"`)
	for _, m := range rights.FindAllStringSubmatch(read(t, "internal/packaging/role.go"), -1) {
		if !strings.Contains(described, "`"+m[1]+"`") {
			t.Errorf("the table has no right %s", m[1])
		}
	}
}

func TestTheProvisioningFileOfTheDocumentsIsUnderstood(t *testing.T) {
	_, example, _ := strings.Cut(section(t, read(t, "docs/setup.md"), "## Provisioning file"), "```yaml\n")
	example, rest, _ := strings.Cut(example, "```")
	_, more, _ := strings.Cut(rest, "    destinations:\n")
	more, _, _ = strings.Cut(more, "```")
	example = strings.Replace(example, "    shifts:", more+"    shifts:", 1)
	example = strings.ReplaceAll(example, "file:/run/secrets/", "env:") // which are not there
	getenv := func(name string) string {
		if name == "MES_SIGNING_SECRET" {
			return webhook.NewSecret().Reveal()
		}
		return "words that nobody guesses"
	}
	server := deliver.New(nil, deliver.Options{
		Roots: map[string]string{"press": "/srv/lists"},
		Hosts: []string{"printer.plant.example:22", "mes.plant.example"},
	})
	file, err := config.ParseProvisioning([]byte(example), getenv,
		func(to packaging.Destination, typed secret.Text) (packaging.Destination, error) {
			to, _, err := server.Check(to, typed)
			return to, err
		})
	if err != nil {
		t.Fatal(err)
	}
	site := file.Tenants[0]
	if len(site.Lines) == 0 || len(site.Shifts) == 0 || len(site.Users) == 0 || site.SignOn == nil ||
		len(site.Destinations) != 4 {
		t.Errorf("the example lacks something: %+v", site)
	}
}

// What stands in italics in the documents for people at the pages, stands on the pages.
func TestWordsInItalicsStandOnPages(t *testing.T) {
	var catalogue map[string]any
	if err := json.Unmarshal([]byte(read(t, "internal/text/en.json")), &catalogue); err != nil {
		t.Fatal(err)
	}
	var said []*regexp.Regexp
	say := func(sentence string) {
		parts := regexp.MustCompile(`\{\{.*?\}\}`).Split(sentence, -1)
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		said = append(said, regexp.MustCompile("^"+strings.Join(parts, ".+")+"$"))
	}
	for _, sentence := range catalogue {
		switch sentence := sentence.(type) {
		case string:
			if !strings.HasPrefix(sentence, "{{") {
				say(sentence)
			}
		case map[string]any:
			say(sentence["other"].(string))
		}
	}
	for _, name := range []string{
		"README.md", "docs/use.md", "docs/setup.md", "docs/operate.md", "docs/architecture.md",
	} {
		prose := strings.ReplaceAll(document{text: read(t, name)}.prose(), "**", "")
		for _, m := range regexp.MustCompile(`\*([^*]+)\*`).FindAllStringSubmatch(prose, -1) {
			words := strings.Join(strings.Fields(m[1]), " ")
			if !slices.ContainsFunc(said, func(r *regexp.Regexp) bool { return r.MatchString(words) }) {
				t.Errorf("%s: %q stands on no page", name, words)
			}
		}
	}
}

func TestLogMessagesThatAreNamedAreLogged(t *testing.T) {
	var source bytes.Buffer
	for _, name := range files(t) {
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			source.WriteString(read(t, name))
		}
	}
	for _, row := range rows(section(t, read(t, "docs/operate.md"), "## Watch"))[1:] {
		if message := strings.Trim(row[0], "`"); !bytes.Contains(source.Bytes(), []byte(`"`+message)) {
			t.Errorf("nothing logs %q", message)
		}
	}
}

// A room is a row of the table in docs/architecture.md, with its sub-folders. Imports that are given in words are not
// checked.
func TestTheTableOfRoomsIsTheHouse(t *testing.T) {
	imports := map[string][]string{} // by room
	for _, row := range rows(section(t, read(t, "docs/architecture.md"), "## Rooms"))[1:] {
		for _, room := range inCode(row[0]) {
			imports[strings.TrimSuffix(room, "/")] = append([]string{row[2]}, inCode(row[2])...)
		}
	}
	roomOf := func(folder string) string {
		for imports[folder] == nil && folder != "." {
			folder = path.Dir(folder)
		}
		return folder
	}
	used := map[string]map[string]bool{}
	for _, name := range files(t) {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		room := roomOf(path.Dir(name))
		if name == "main.go" {
			room = name
		}
		if imports[room] == nil {
			t.Errorf("the table has no room for %s", name)
			continue
		}
		if used[room] == nil {
			used[room] = map[string]bool{}
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, read(t, name), parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			imported, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), "lineboard/")
			if imported = roomOf(imported); ours && imported != room {
				used[room][imported] = true
			}
		}
	}
	for room, stated := range imports {
		if used[room] == nil {
			t.Errorf("there is no room %s", room)
		}
		words := stated[0]
		if stated = stated[1:]; words != "" && len(stated) == 0 {
			continue
		}
		for imported := range used[room] {
			if !slices.Contains(stated, imported) {
				t.Errorf("%s imports %s: the table does not say so", room, imported)
			}
		}
		for _, imported := range stated {
			if !used[room][imported] {
				t.Errorf("%s does not import %s, as the table says", room, imported)
			}
		}
	}
}

// A walk in docs/architecture.md names rooms and functions, such as `db.Claim`. Where it says that one calls others,
// its body names them.
func TestEachStepOfTheWalksIsThere(t *testing.T) {
	text := section(t, read(t, "docs/architecture.md"), "## Five walks")
	bodies := map[string]map[string][]string{} // by room and function: the names in its body
	names := func(step string) (room string, of []string, found bool) {
		dot := strings.LastIndex(step, ".")
		room = step[:dot]
		if bodies[room] == nil {
			bodies[room] = namesInFunctions(t, room)
		}
		of, found = bodies[room][step[dot+1:]]
		return room, of, found
	}
	step := `[a-z][a-z0-9/]*\.[A-Za-z]\w*`
	steps := regexp.MustCompile("`("+step+")`").FindAllStringSubmatch(text, -1)
	if len(steps) < 40 {
		t.Fatalf("only %d steps are understood", len(steps))
	}
	for _, m := range steps {
		if room, _, found := names(m[1]); !found {
			t.Errorf("%s has no function %s", room, m[1])
		}
	}
	caller := regexp.MustCompile("`(" + step + ")`(?:\\.\\s+That)?\\s+calls\\s+")
	list := regexp.MustCompile("^`" + step + "`(?:(?:,|\\s+and)\\s+`" + step + "`)*")
	calls := caller.FindAllStringSubmatchIndex(text, -1)
	if len(calls) < 15 {
		t.Fatalf("only %d calls are understood", len(calls))
	}
	for _, at := range calls {
		by := text[at[2]:at[3]]
		_, body, _ := names(by)
		for _, called := range inCode(list.FindString(text[at[1]:])) {
			if !slices.Contains(body, called[strings.LastIndex(called, ".")+1:]) {
				t.Errorf("%s does not call %s", by, called)
			}
		}
	}
}

// namesInFunctions returns the names in the bodies of a room's functions and methods, by their own names.
func namesInFunctions(t *testing.T, room string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, name := range files(t) {
		if path.Dir(name) != room || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, d := range parse(t, name).Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			all[f.Name.Name] = append(all[f.Name.Name], "")
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					all[f.Name.Name] = append(all[f.Name.Name], id.Name)
				}
				return true
			})
		}
	}
	return all
}

func TestTheBrowsersOfTheDocsAreThoseOfThePages(t *testing.T) {
	said := fmt.Sprintf("Lineboard supports Chrome, Edge and Android WebView from %s on, Safari and iPadOS from %s on, "+
		"and Firefox from %s on", static.Oldest.Chrome, static.Oldest.Safari, static.Oldest.Firefox)
	text := strings.Join(strings.Fields(read(t, "docs/operate.md")), " ")
	if !strings.Contains(text, said) {
		t.Errorf("docs/operate.md does not say: %s", said)
	}
}
