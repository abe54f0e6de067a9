package db

import (
	"fmt"
	"strings"
	"testing"

	"lineboard/internal/packaging"
)

// Rights that a hand lends for a minute leave nothing behind but what was done with them. The history names them, though
// nobody verified it meanwhile.
func TestRightsThatAHandLendsForAMinuteAreInTheHistory(t *testing.T) {
	const second = packaging.LineID(3) // line of ghent: basel has one in between
	for name, c := range map[string]struct {
		role                 packaging.Role
		lines                []packaging.LineID
		lend, takeBack, want string
	}{
		"a role": {
			packaging.Operator, nil,
			`INSERT INTO member_roles (user_id, tenant_id, role) VALUES (ID, 1, 'supervisor')`,
			`DELETE FROM member_roles WHERE user_id = ID AND role = 'supervisor'`,
			`record member_roles [ID,1,"supervisor"] added by hand`,
		},
		"a role in place of another": {
			packaging.Operator, nil,
			`UPDATE member_roles SET role = 'supervisor' WHERE user_id = ID`,
			`UPDATE member_roles SET role = 'operator' WHERE user_id = ID`,
			`record member_roles [ID,1,"operator"] deleted by hand, record member_roles [ID,1,"supervisor"] added by hand`,
		},
		"a line": {
			packaging.Supervisor,
			[]packaging.LineID{second},
			`UPDATE member_lines SET line_id = 1 WHERE user_id = ID`, `UPDATE member_lines SET line_id = 3 WHERE user_id = ID`,
			`record member_lines [ID,1,1] added by hand, record member_lines [ID,1,3] deleted by hand`,
		},
		"all lines": {
			packaging.Supervisor,
			[]packaging.LineID{second},
			`DELETE FROM member_lines WHERE user_id = ID`,
			`INSERT INTO member_lines (user_id, tenant_id, line_id) VALUES (ID, 1, 3)`,
			`record member_lines [ID,1,3] deleted by hand`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, ghent, _ := opened(t)
			who := strings.NewReplacer("ID", fmt.Sprint(ghent.ID))
			with := setup("ghent")
			with.Lines = append(with.Lines, packaging.Line{Code: "L2", Name: "Line 2"})
			if err := d.Provision(t.Context(), Site{with}); err != nil {
				t.Fatal(err)
			}
			o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
			lesser := become(t, d, ghent, c.role, c.lines...)
			// What they did before was found to be theirs to do.
			if err := d.authorizedTx(
				t.Context(), lesser, packaging.WriteNotes, func(*tx, packaging.Person) error { return nil },
			); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Claim(t.Context(), lesser, packaging.Press{Order: o.ID}); err == nil {
				t.Fatal("may release without what is lent")
			}
			tampered(t, d, who.Replace(c.lend))
			ghent.Role, ghent.Lines = packaging.Supervisor, nil
			claim(t, d, ghent, o.Key)
			tampered(t, d, who.Replace(c.takeBack))
			if got, want := strings.Join(saidByHand(t, d), ", "), who.Replace(c.want); got != want {
				t.Errorf("the history says %s, want %s", got, want)
			}
		})
	}
}

func TestLinesThatAHandLendsToATokenAreInTheHistory(t *testing.T) {
	d, ghent, _ := opened(t)
	d.letAllAdminister(t)
	lines, err := d.Lines(t.Context(), ghent.Scope())
	if err != nil {
		t.Fatal(err)
	}
	token := packaging.Token{
		Name: "MES", Scopes: []packaging.TokenScope{packaging.SendOrdersScope}, Lines: lines[:1],
	}
	if err := d.CreateToken(t.Context(), ghent, token, [32]byte{1}); err != nil {
		t.Fatal(err)
	}
	tampered(t, d, `DELETE FROM api_token_lines`)
	_ = d.authorizedTx(
		t.Context(), packaging.Person{Token: 1, Tenant: ghent.Tenant}, packaging.ImportOrders,
		func(*tx, packaging.Person) error { return nil },
	)
	want := fmt.Sprintf("record api_token_lines [1,%d] deleted by hand", lines[0].ID)
	if got := strings.Join(saidByHand(t, d), ", "); got != want {
		t.Errorf("the history says %s, want %s", got, want)
	}
}

// saidByHand returns what the history says to have been done by hand.
func saidByHand(t *testing.T, d *DB) []string {
	t.Helper()
	all, err := collect(t.Context(), d.read, func(row scanner) (said string, err error) { return said, row.Scan(&said) },
		`SELECT object || ' ' || new_value FROM history WHERE deed = ? ORDER BY object`, packaging.RecordByHand)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
