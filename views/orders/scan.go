package orders

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"lineboard/internal/gs1"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// ScanPage is the page that looks packs up.
type ScanPage struct {
	Line    packaging.Line // from whose board it was opened, or zero
	Scanned *Scanned       // nil before the first scan
}

// Scanned is what a scan found, or why it could not be read.
type Scanned struct {
	Text    string // as it was scanned
	Reading gs1.Reading
	Verdict gs1.Verdict
	Found   map[gs1.ID][]FoundPack // the places of each pack that the scan may mean
	// A scan that is no pack may be a serial number alone, or the ID of an order.
	SerialOf []packaging.Order // one more than MaxOrdersOfSerial if there are more
	OrderID  *packaging.Order
}

// MaxOrdersOfSerial is how many orders are shown for a serial number alone.
const MaxOrdersOfSerial = 10

// FoundPack is the pack's place in the serial list of an order.
type FoundPack struct {
	packaging.PackFound
	Of packaging.Order
}

// Listed returns what the order says about the pack.
func (f FoundPack) Listed() gs1.Listed {
	return gs1.Listed{Lot: f.Of.Lot, Expiry: f.Of.Expiry, Changed: f.GTINChanged}
}

// shown returns the orders that the page shows: those of the pack, of all packs that it may be, or those that the text
// names.
func (s Scanned) shown() (all []FoundPack) {
	switch {
	case s.OrderID != nil || len(s.SerialOf) > 0:
		if s.OrderID != nil {
			all = append(all, FoundPack{Of: *s.OrderID})
		}
		for _, o := range s.SerialOf[:min(len(s.SerialOf), MaxOrdersOfSerial)] {
			if s.OrderID == nil || o.ID != s.OrderID.ID {
				all = append(all, FoundPack{Of: o})
			}
		}
		return all
	case s.Verdict.Kind == gs1.Undecided:
		for _, c := range s.Verdict.Perhaps {
			all = append(all, s.Found[c.ID()]...)
		}
		return all
	}
	return s.Found[s.Verdict.Pack.ID()]
}

// wrong returns what is wrong with the pack, for the line from which the page was opened.
func (s Scanned) wrong(ctx context.Context, line packaging.Line) (all []string) {
	pack := s.Verdict.Pack.Pack
	places := s.Found[pack.ID()]
	if len(places) > 1 {
		all = append(all, text.Say(ctx, "scan.several", "Count", len(places)))
	}
	for _, found := range places {
		order := shell.OrderID(found.Of.Key)
		differs := func(field, onPack, value string) {
			all = append(all, text.Say(ctx, "scan.differs.fact",
				"Field", text.Say(ctx, field), "Pack", onPack, "Order", order, "Value", value))
		}
		if found.Listed().DiffersInLot(pack) {
			differs("order.lot", pack.Lot, found.Of.Lot)
		}
		if found.Listed().DiffersInExpiry(pack) {
			differs("order.expiry", expiryOf(ctx, pack), expiry(ctx, found.Of.Facts))
		}
		if line.Known() && found.Of.Line.ID != line.ID {
			all = append(all, text.Say(ctx, "scan.differs.line", "Order", order, "Line", orderLine(ctx, found.Of)))
		}
	}
	return all
}

// compared returns the one order that the pack is of; ok is false if there is none, or if there are several.
func (s Scanned) compared() (found FoundPack, ok bool) {
	shown := s.shown()
	if s.Verdict.Pack.Pack == (gs1.Pack{}) || s.Verdict.Kind == gs1.Undecided || len(shown) != 1 {
		return FoundPack{}, false
	}
	return shown[0], true
}

// comparedRow is a field of a pack beside the same of its order.
type comparedRow struct {
	field, pack, order string
	code, differs      bool
	place              bool // the order has no such field, but a place for it
}

// expiryOf returns the expiry on a pack as that of an order is written.
func expiryOf(ctx context.Context, pack gs1.Pack) string {
	return expiry(ctx, packaging.Facts{Expiry: pack.Expiry})
}

// comparedRows returns the fields of a pack that is of one order. A line counts if the page was opened from its board.
func (s Scanned) comparedRows(ctx context.Context, found FoundPack, line packaging.Line) []comparedRow {
	pack, o, none := s.Verdict.Pack.Pack, found.Of, shell.OrNone(ctx, "")
	place := none
	if found.Place != 0 {
		place = text.Say(ctx, "scan.place") + " " + text.Number(ctx, found.Place)
	}
	rows := []comparedRow{
		{
			field: text.Say(ctx, "order.gtin"), pack: shell.OrNone(ctx, pack.GTIN), order: shell.OrNone(ctx, o.GTIN),
			code: true,
		},
		{field: text.Say(ctx, "scan.serial"), pack: pack.Serial, order: place, code: true, place: true},
		{
			field: text.Say(ctx, "order.lot"), pack: shell.OrNone(ctx, pack.Lot), order: shell.OrNone(ctx, o.Lot),
			code:    true,
			differs: found.Listed().DiffersInLot(pack),
		},
		{
			field: text.Say(ctx, "order.expiry"), pack: expiryOf(ctx, pack), order: expiry(ctx, o.Facts),
			differs: found.Listed().DiffersInExpiry(pack),
		},
		{
			field: text.Say(ctx, "order.line"), pack: shell.OrNone(ctx, line.Name), order: orderLine(ctx, o),
			differs: line.Known() && o.Line.ID != line.ID,
		},
		{field: text.Say(ctx, "order.product"), pack: none, order: shell.OrNone(ctx, o.Product)},
	}
	if pack.PPN != "" {
		rows = append(rows, comparedRow{field: text.Say(ctx, "scan.ppn"), pack: pack.PPN, order: none, code: true})
	}
	if pack.National != "" {
		rows = append(
			rows, comparedRow{field: text.Say(ctx, "scan.national"), pack: pack.National, order: none, code: true},
		)
	}
	if s.Reading.Kind != "" {
		rows = append(rows, comparedRow{field: text.Say(ctx, "scan.kind"), pack: s.Reading.Kind, order: none})
	}
	return rows
}

// scanAnswer is the answer to a scan: what is shown first, and how.
type scanAnswer struct {
	shell.Explanation
	tone, icon string
	wrong      []string
}

// isCalm reports whether the answer needs nothing to be done.
func (a scanAnswer) isCalm() bool { return a.tone == "released" || a.tone == "told" }

func (s Scanned) answer(ctx context.Context, line packaging.Line) scanAnswer {
	first := func() packaging.Order { return s.Found[s.Verdict.Pack.ID()][0].Of }
	switch s.Verdict.Kind {
	case gs1.Known, gs1.Differs:
		if wrong := s.wrong(ctx, line); len(wrong) > 0 {
			return say("refused", "octagon-alert", shell.Explanation{
				What: text.Say(ctx, "scan.differs", "Order", shell.OrderID(first().Key)),
				Do:   text.Say(ctx, "scan.differs.do"),
			}, append(wrong, s.shownAsTest(ctx)...)...)
		}
		if shown := s.shownAsTest(ctx); len(shown) > 0 {
			return say("doubt", "circle-help", shell.Explanation{What: shown[0], Do: text.Say(ctx, "scan.shown.do")})
		}
		return say("released", "circle-check", shell.Explanation{
			What: text.Say(ctx, "scan.known", "Order", shell.OrderID(first().Key)), Why: orderLine(ctx, first()),
		})
	case gs1.Undecided:
		perhaps := append(s.perhaps(ctx), s.shownAsTest(ctx)...)
		if s.needsTest() {
			return say("doubt", "circle-help", shell.Explanation{
				What: text.Say(ctx, "scan.undecided"), Why: text.Say(ctx, "scan.unproven"),
				Do: text.Say(ctx, "scan.unproven.do"),
			}, perhaps...)
		}
		do := text.Say(ctx, "scan.undecided.do")
		if s.isOfChangedGTIN() {
			do = text.Say(ctx, "scan.differs.do") // no keyboard is at fault
		}
		return say("doubt", "circle-help", shell.Explanation{
			What: text.Say(ctx, "scan.undecided"), Do: do,
		}, perhaps...)
	case gs1.Test:
		if len(s.notes(ctx)) > 0 {
			return say("doubt", "circle-help", shell.Explanation{
				What: text.Say(ctx, "scan.test.differs"), Do: text.Say(ctx, "scan.test.differs.do"),
			})
		}
		return say("told", "info", shell.Explanation{
			What: text.Say(ctx, "scan.test.right"), Why: text.Say(ctx, "scan.test.right.why"),
		})
	case gs1.NotKnown:
		return say("refused", "octagon-alert", shell.Explanation{
			What: text.Say(ctx, "scan.unknown"), Why: text.Say(ctx, "scan.unknown.why"),
			Do: text.Say(ctx, "scan.unknown.do"),
		})
	case gs1.NotMapped:
		return say("doubt", "circle-help", shell.Explanation{
			What: text.Say(ctx, "scan.not_mapped"), Why: text.Say(ctx, "scan.not_mapped.why"),
			Do: text.Say(ctx, "scan.not_mapped.do"),
		})
	}
	return s.other(ctx)
}

// shownAsTest returns of which orders the serial number was shown as a test code.
func (s Scanned) shownAsTest(ctx context.Context) (all []string) {
	for _, found := range s.shown() {
		if !found.ShownAt.IsZero() {
			all = append(all, text.Say(
				ctx, "scan.shown", "Order", shell.OrderID(found.Of.Key), "Time", text.Moment(ctx, found.ShownAt),
				"Person", found.ShownBy,
			))
		}
	}
	return all
}

// other returns what is said of a code that is no pack.
func (s Scanned) other(ctx context.Context) scanAnswer {
	switch {
	case len(s.SerialOf) > 0:
		what, why := text.Say(ctx, "scan.serial_alone"), text.Say(ctx, "scan.serial_alone.why")
		if s.OrderID != nil {
			what = text.Say(ctx, "scan.order_id_and_serial")
		}
		if len(s.SerialOf) > MaxOrdersOfSerial {
			why = text.Say(ctx, "scan.serial_alone.more", "Most", text.Number(ctx, MaxOrdersOfSerial))
		}
		return say("told", "info", shell.Explanation{What: what, Why: why, Do: text.Say(ctx, "scan.whole_code")})
	case s.OrderID != nil:
		return say("told", "info", shell.Explanation{
			What: text.Say(ctx, "scan.order_id"), Do: text.Say(ctx, "scan.whole_code"),
		})
	}
	unreadable := shell.Explanation{
		What: text.Say(ctx, "scan.unreadable"), Why: text.Say(ctx, "scan.fault."+string(s.Reading.Fault.Code)),
		Do: text.Say(ctx, "scan.again"),
	}
	switch {
	case s.needsTest():
		unreadable.Do = text.Say(ctx, "scan.unproven.do")
	case s.Reading.Fault.IsOtherCode() && !s.hasNoSeparators():
		unreadable.What, unreadable.Do = text.Say(ctx, "scan.other_code"), text.Say(ctx, "scan.whole_code")
		if kind := s.Reading.Kind; kind != "" {
			return say("doubt", "circle-help", unreadable, text.Say(ctx, "scan.of_kind", "Kind", kind))
		}
		return say("doubt", "circle-help", unreadable)
	}
	if s.hasNoSeparators() {
		unreadable.Why = text.Say(ctx, "scan.no_separator")
		return say("doubt", "circle-help", unreadable)
	}
	if place := place(ctx, *s.Reading.Fault); place != "" {
		return say("doubt", "circle-help", unreadable, place)
	}
	return say("doubt", "circle-help", unreadable)
}

func say(tone, icon string, e shell.Explanation, wrong ...string) scanAnswer {
	return scanAnswer{e, tone, icon, wrong}
}

// scanPauses are after how long without a key a scan may end, for scanners that send no Enter or Tab.
var scanPauses = []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second}

// notChecked returns what is shown for a scan that was not answered.
func notChecked(ctx context.Context) scanAnswer {
	return scanAnswer{shell.Explanation{
		What: text.Say(ctx, "scan.not_checked"), Why: text.Say(ctx, "scan.not_checked.why"),
		Do: text.Say(ctx, "scan.not_checked.do"),
	}, "doubt", "circle-help", nil}
}

// testCode is the barcode of [gs1.TestPack].
var testCode = sync.OnceValue(func() gs1.Symbol {
	symbol, err := gs1.Draw(gs1.TestPack)
	if err != nil {
		panic(err)
	}
	return symbol
})

// Light ground around a barcode and the size of its modules, which must be whole pixels for a camera.
const (
	quietModules = 2
	modulePixels = 6
)

// viewBox returns the view of an SVG that has the symbol and the light ground around it.
func viewBox(s gs1.Symbol) string {
	whole := len(s) + 2*quietModules
	return fmt.Sprintf("%d %d %d %d", -quietModules, -quietModules, whole, whole)
}

func pixels(s gs1.Symbol) string { return strconv.Itoa((len(s) + 2*quietModules) * modulePixels) }

// perhaps returns which packs the scan may be, and what about them is not sure.
func (s Scanned) perhaps(ctx context.Context) (all []string) {
	for _, c := range s.Verdict.Perhaps {
		for _, found := range s.Found[c.ID()] {
			order := shell.OrderID(found.Of.Key)
			if found.GTINChanged {
				all = append(all, text.Say(ctx, "scan.gtin_changed", "Order", order))
			} else {
				all = append(all, text.Say(ctx, "scan.perhaps", "Serial", c.Serial, "Order", order))
			}
		}
	}
	return all
}

// isOfChangedGTIN reports whether the scan is undecided only because the GTIN of the pack's order changed.
func (s Scanned) isOfChangedGTIN() bool {
	asItCame := len(s.Verdict.Perhaps) == 1 && s.Verdict.Perhaps[0] == gs1.Candidate{Pack: s.Verdict.Pack.Pack}
	return asItCame && !slices.ContainsFunc(s.shown(), func(f FoundPack) bool { return !f.GTINChanged })
}

// needsTest reports whether the test code shows what the scan can't. What is no pack is told as it is.
func (s Scanned) needsTest() bool {
	return s.Verdict.NeedsTest && s.OrderID == nil && len(s.SerialOf) == 0
}

// hasNoSeparators reports whether the scan has no separators, and may mean a pack if they are only missing.
func (s Scanned) hasNoSeparators() bool {
	for _, c := range s.Reading.Others {
		if c.Split && !c.Undone.Any() {
			return true
		}
	}
	return false
}

// notes returns what scanner and device disagree about, as far as the scan shows it.
func (s Scanned) notes(ctx context.Context) (all []string) {
	pack, undone := s.Verdict.Pack, s.Verdict.Pack.Undone
	if s.Verdict.Kind == gs1.Undecided {
		for _, c := range s.Verdict.Perhaps { // the one that was undone
			if c.Undone.Any() {
				pack, undone = c, c.Undone
				break
			}
		}
	}
	if s.Verdict.Kind == gs1.Unreadable {
		undone = s.Verdict.Hint
	}
	if undone.CapsLock {
		all = append(all, text.Say(ctx, "scan.undone.caps"))
	}
	if undone.Device != undone.Scanner {
		all = append(all, text.Say(ctx, "scan.undone.layout",
			"Scanner", text.Say(ctx, "layout."+string(undone.Scanner)), "Device", layoutName(ctx, undone.Device)))
	}
	if undone.Separators {
		all = append(all, text.Say(ctx, "scan.undone.separators"))
	}
	if literal := s.Reading.Literal; undone.Any() && literal.Serial != "" {
		turned := func(field, scanned, value string) {
			if scanned != value {
				all = append(
					all,
					text.Say(
						ctx, "scan.undone.value", "Field", text.Say(ctx, field), "Scanned", scanned, "Value", value,
					),
				)
			}
		}
		turned("order.lot", literal.Lot, pack.Lot)
		turned("scan.serial", literal.Serial, pack.Serial)
	}
	switch {
	case pack.Split:
		all = append(all, text.Say(ctx, "scan.recovered"))
	case s.Verdict.Kind == gs1.NotKnown && s.hasNoSeparators():
		all = append(all, text.Say(ctx, "scan.no_separator"))
	}
	return all
}

func layoutName(ctx context.Context, l gs1.Layout) string {
	if l == "" {
		return text.Say(ctx, "layout.other")
	}
	return text.Say(ctx, "layout."+string(l))
}

// place returns where a fault is, or "".
func place(ctx context.Context, f gs1.Fault) string {
	switch {
	case f.AI != "" && f.At != 0:
		return text.Say(ctx, "scan.fault.field", "AI", f.AI, "At", f.At)
	case f.At != 0:
		return text.Say(ctx, "scan.fault.at", "At", f.At)
	}
	return ""
}

// visibly returns scanned with its invisible characters shown: separators as their picture, other controls as a mark.
func visibly(scanned string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\x1d':
			return '␝'
		case unicode.IsControl(r):
			return '�'
		}
		return r
	}, scanned)
}
