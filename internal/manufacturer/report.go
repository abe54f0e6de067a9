package manufacturer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// Test tests a tenant's settings step by step, up to the first step that fails: it signs in, lists the open orders, and
// asks for the details of one. It uses a client of its own, so that it does not disturb the tenant's calls. It releases
// nothing: it makes no PATCH.
func Test(ctx context.Context, config Config) packaging.ConnectionReport {
	c, err := New(config)
	if err != nil {
		now := time.Now
		if config.Now != nil {
			now = config.Now
		}
		failure := &packaging.CallError{Reason: packaging.NotConfigured, Message: err.Error()}
		step := packaging.StepReport{Step: packaging.CheckSettings, Problem: failure}
		return packaging.ConnectionReport{At: now(), Steps: []packaging.StepReport{step}}
	}
	defer c.Close()
	t := test{Client: c, report: packaging.ConnectionReport{At: c.now()}}
	t.step(packaging.CheckSettings, func(*packaging.StepReport) error { return nil })
	_ = t.step(packaging.SignInStep, func(s *packaging.StepReport) error { return t.signIn(ctx, s) }) &&
		t.step(packaging.ListStep, func(s *packaging.StepReport) error { return t.list(ctx, s) }) &&
		t.step(packaging.DetailsStep, func(s *packaging.StepReport) error { return t.details(ctx, s) })
	return t.report
}

type test struct {
	*Client
	token  secret.Text
	sample raw // one order of the list
	report packaging.ConnectionReport
}

// step takes a step. It returns false if the step failed.
func (t *test) step(name packaging.TestStep, take func(*packaging.StepReport) error) bool {
	s, started := packaging.StepReport{Step: name}, time.Now()
	err := take(&s)
	s.Took = time.Since(started)
	errors.As(err, &s.Problem)
	t.report.Steps = append(t.report.Steps, s)
	return err == nil
}

func (t *test) signIn(ctx context.Context, s *packaging.StepReport) error {
	if t.kind == Static {
		t.token, s.Skipped = t.static, true
		return nil
	}
	token, path, p := t.signInAt(ctx)
	t.token, s.Place = token, written[path]
	return p.callError()
}

func (t *test) list(ctx context.Context, s *packaging.StepReport) error {
	doc, p := t.carry(ctx, t.readCall("/packaging_order/open"), t.token)
	if p != nil {
		return p.callError()
	}
	list, place, ok := doc.list()
	if !ok {
		return t.problem(doc.reply, packaging.Unreadable,
			"the answer holds no list of orders that is known; it holds: "+doc.names()).callError()
	}
	s.Place = spelled(doc.root, place)
	for element := range list.elements() {
		t.report.Orders++
		switch facts := factsOf(element, t.now()); {
		case facts.Key == "":
			t.report.Nameless++
		case t.sample == nil:
			t.sample = element
			continue
		}
		if t.sample == nil && element.kind() == '{' {
			t.describe(element) // unless a better one comes: it shows the name of the order ID
		}
	}
	if t.sample != nil {
		t.describe(t.sample)
	}
	return nil
}

func (t *test) details(ctx context.Context, s *packaging.StepReport) error {
	key := factsOf(t.sample, t.now()).Key
	if key == "" {
		s.Skipped = true
		return nil
	}
	doc, p := t.carry(ctx, t.detailsCall(key), t.token)
	if p != nil {
		return p.callError()
	}
	facts, ok := t.order(doc, key)
	if !ok {
		return t.problem(doc.reply, packaging.Unreadable,
			"the answer does not hold the order that was asked for; it holds: "+doc.names()).callError()
	}
	t.fill(raw(facts.Raw))
	for _, path := range orderAt {
		if bytes.Equal(facts.Raw, doc.fields[path]) {
			s.Place = spelled(doc.root, path)
			break
		}
	}
	return nil
}

// rows are the rows of assumed.go by the field of an order.
var rows = map[packaging.OrderField][]string{
	packaging.FieldKey:      orderIDAt,
	packaging.FieldStatus:   statusAt,
	packaging.FieldLineCode: lineCodeAt,
	packaging.FieldLineName: lineNameAt,
	packaging.FieldProduct:  productAt,
	packaging.FieldGTIN:     gtinAt,
	packaging.FieldLot:      lotAt,
	packaging.FieldExpiry:   expiryAt,
	packaging.FieldQuantity: quantityAt,
	packaging.FieldExtra:    extraAt,
}

// describe adds a sample order to the report: its JSON, and its fields as Lineboard reads them.
func (t *test) describe(order raw) {
	var text bytes.Buffer
	if json.Indent(&text, []byte(order), "", "  ") != nil {
		text.WriteString(string(order))
	}
	s := &packaging.SampleOrder{Raw: t.clean(text.String())}
	for _, field := range packaging.OrderFields {
		report := packaging.FieldReport{Field: field}
		for _, path := range rows[field] {
			report.Accepted = append(report.Accepted, written[path])
		}
		t.find(order, &report)
		s.Fields = append(s.Fields, report)
	}
	for name := range order.members() {
		if !understood(plainName(name)) && len(name) <= 40 {
			s.Unused = append(s.Unused, t.clean(name))
		}
	}
	t.report.Sample = s
}

// fill adds the fields that only the details of the same order have.
func (t *test) fill(order raw) {
	for i := range t.report.Sample.Fields {
		if report := &t.report.Sample.Fields[i]; report.Name == "" {
			t.find(order, report)
			report.InDetails = report.Name != ""
		}
	}
}

// find looks for a field in an order.
func (t *test) find(order raw, report *packaging.FieldReport) {
	facts := factsOf(order, t.now())
	value := map[packaging.OrderField]string{
		packaging.FieldKey:      facts.Key,
		packaging.FieldStatus:   string(facts.Status),
		packaging.FieldLineCode: facts.LineCode,
		packaging.FieldLineName: facts.LineName,
		packaging.FieldProduct:  facts.Product,
		packaging.FieldGTIN:     facts.GTIN,
		packaging.FieldLot:      facts.Lot,
		packaging.FieldExpiry:   facts.Expiry,
		packaging.FieldQuantity: facts.Quantity,
		packaging.FieldExtra:    facts.ExtraPercent,
	}[report.Field]
	if path := order.fields().place(rows[report.Field]); path != "" && value != "" {
		report.Name, report.Value = t.clean(spelled(order, path)), t.clean(value)
	}
}

// clean removes credentials, which the API may repeat.
func (t *test) clean(text string) string { return t.scrub.message(text) }

// understood reports whether a path of assumed.go starts with a name.
func understood(name string) bool {
	all := slices.Clone(serialsAt)
	for _, row := range rows {
		all = append(all, row...)
	}
	return slices.ContainsFunc(all, func(path string) bool {
		first, _, _ := strings.Cut(path, ".")
		return first == name
	})
}

// place returns the path that scalarOrJSON reads, or "".
func (f fields) place(paths []string) string {
	for _, path := range paths {
		if f.scalar([]string{path}) != "" {
			return path
		}
	}
	for _, path := range paths {
		if f.scalarOrJSON([]string{path}) != "" {
			return path
		}
	}
	return ""
}

// spelled returns a path of fields with the names as the API spells them.
func spelled(object raw, path string) string {
	for name, value := range object.members() {
		plain := plainName(name)
		if plain == path {
			return name
		}
		if rest, inside := strings.CutPrefix(path, plain+"."); inside {
			if below := spelled(value, rest); below != "" {
				return name + "." + below
			}
		}
	}
	return ""
}
