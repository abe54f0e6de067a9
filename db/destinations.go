package db

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

const destinationColumns = `d.id, d.tenant_id, l.id, l.code, l.name, d.name, d.kind, d.address, d.username, d.host_key,
	d.public_url, d.file_name, d.format, coalesce((SELECT body FROM list_templates WHERE id = d.template_id), ''), d.lets,
	d.late_after, d.give_up, d.secret_kind, coalesce(d.secret_at, 0), d.secret_by, coalesce(d.old_until, 0),
	coalesce(d.stopped_at, 0), d.stopped_by, d.stopped_why, d.retired_at IS NOT NULL`

const selectDestination = `SELECT ` + destinationColumns + `
	FROM destinations d JOIN lines l ON l.id = d.line_id `

// destinationFields are what destinationColumns are read into. done puts together what is stored otherwise.
func destinationFields(d *packaging.Destination) (fields []any, done func() error) {
	var lets string
	var lateAfter, giveUp, secretAt, oldUntil, stopped int64
	fields = []any{
		&d.ID, &d.Tenant, &d.Line.ID, &d.Line.Code, &d.Line.Name, &d.Name, &d.Kind, &d.Address, &d.Username, &d.HostKey,
		&d.PublicURL, &d.FileName, &d.Format, &d.Template, &lets,
		&lateAfter, &giveUp, &d.SecretKind, &secretAt, &d.SecretBy, &oldUntil,
		&stopped, &d.StoppedBy, &d.StoppedWhy, &d.Retired,
	}
	return fields, func() error {
		d.LateAfter, d.GiveUp = time.Duration(lateAfter)*time.Millisecond, time.Duration(giveUp)*time.Millisecond
		d.SecretAt, d.OldUntil, d.Stopped = moment(secretAt), moment(oldUntil), moment(stopped)
		return json.Unmarshal([]byte(lets), &d.Lets)
	}
}

func scanDestination(row scanner) (d packaging.Destination, err error) {
	fields, done := destinationFields(&d)
	if err := row.Scan(fields...); err != nil {
		return d, err
	}
	return d, done()
}

// SetupDestinations returns the destinations of the viewer's tenant that are not retired, by line and name, with how
// many lists wait for each.
func (d *DB) SetupDestinations(ctx context.Context, viewer packaging.Person) ([]packaging.Destination, error) {
	scan := func(row scanner) (one packaging.Destination, err error) {
		fields, done := destinationFields(&one)
		if err := row.Scan(append(fields, &one.Waiting, &one.Held)...); err != nil {
			return one, err
		}
		return one, done()
	}
	return collect(ctx, d.read, scan, `SELECT `+destinationColumns+`,
			(SELECT count(*) FROM deliveries v WHERE v.destination_id = d.id AND v.state = 'waiting'),
			(SELECT count(*) FROM deliveries v WHERE v.destination_id = d.id AND v.state IN ('held', 'stopped'))
		FROM destinations d JOIN lines l ON l.id = d.line_id
		WHERE d.tenant_id = ? AND d.retired_at IS NULL
		ORDER BY l.code COLLATE naturally, d.name COLLATE naturally`, viewer.Tenant.ID)
}

// SetupDestination returns a destination of the viewer's tenant; a retired one is not found.
func (d *DB) SetupDestination(
	ctx context.Context, viewer packaging.Person, id packaging.DestinationID,
) (packaging.Destination, error) {
	return destinationOf(ctx, d.read, viewer.Tenant.ID, id)
}

func destinationOf(
	ctx context.Context, q querier, tenant packaging.TenantID, id packaging.DestinationID,
) (packaging.Destination, error) {
	one, err := scanDestination(q.QueryRowContext(ctx,
		selectDestination+`WHERE d.id = ? AND d.tenant_id = ? AND d.retired_at IS NULL`, id, tenant))
	return one, coded(err)
}

// RunningDestinations returns the destinations of all tenants that lists are brought to, and that are not stopped.
func (d *DB) RunningDestinations(ctx context.Context) ([]packaging.Destination, error) {
	return collect(ctx, d.read, scanDestination, selectDestination+`
		WHERE d.kind <> 'pull' AND d.retired_at IS NULL AND d.stopped_at IS NULL ORDER BY d.id`)
}

// destinationSecret names the sealed secret of a destination, in the history and in what it is sealed for.
func destinationSecret(tenant packaging.TenantID, id packaging.DestinationID, column string) string {
	return namedSecret{column: fmt.Sprintf("destination %d %s", id, column)}.owner(tenant)
}

// DestinationSecrets returns the secret of a destination, and of a webhook the one before it while that still counts.
// Both are empty where there is none. NotFound where the destination is elsewhere by now: they are not for the place
// that the caller knows.
func (d *DB) DestinationSecrets(
	ctx context.Context, to packaging.Destination,
) (now, before secret.Text, err error) {
	err = d.read.snapshot(ctx, func(q querier) error {
		is, err := destinationOf(ctx, q, to.Tenant, to.ID)
		if err != nil {
			return err
		}
		if moved(is, to) {
			return packaging.Fail(packaging.NotFound, "error.not_found")
		}
		now, before, err = destinationSecrets(ctx, q, d.box, to.Tenant, to.ID, millis(d.now()))
		return err
	})
	return now, before, err
}

// moved says whether a destination leads elsewhere than it did, or as somebody else.
func moved(was, to packaging.Destination) bool {
	return to.Address != was.Address || to.HostKey != was.HostKey || to.Username != was.Username
}

func destinationSecrets(
	ctx context.Context, q querier, box *secret.Box, tenant packaging.TenantID, id packaging.DestinationID, at int64,
) (now, before secret.Text, err error) {
	var sealed, old []byte
	if err := q.QueryRowContext(ctx, `
		SELECT secret, iif(old_until > ?, old_secret, NULL) FROM destinations WHERE id = ? AND tenant_id = ?`, at, id,
		tenant).
		Scan(&sealed, &old); err != nil {
		return now, before, coded(err)
	}
	if sealed != nil {
		if now, err = box.Open(sealed, destinationSecret(tenant, id, "secret")); err != nil {
			return now, before, fmt.Errorf("secret of destination %d: %w", id, err)
		}
	}
	if old != nil {
		if before, err = box.Open(old, destinationSecret(tenant, id, "old secret")); err != nil {
			return now, before, fmt.Errorf("old secret of destination %d: %w", id, err)
		}
	}
	return now, before, nil
}

// AddDestination makes a destination of a line, with its secret, and returns its key. Its name must be free on the
// line, and one that needs a secret must have one.
func (d *DB) AddDestination(
	ctx context.Context, by packaging.Person, to packaging.Destination, typed secret.Text,
) (id packaging.DestinationID, err error) {
	err = d.setupTx(ctx, by, func(s *setupTx) error {
		line, err := s.line(to.Line.Code)
		if err != nil {
			return err
		}
		to.Line = line
		id, err = s.addDestination(to, typed)
		return err
	})
	return id, err
}

func (s *setupTx) addDestination(
	to packaging.Destination, typed secret.Text,
) (id packaging.DestinationID, err error) {
	if err := to.Check(); err != nil {
		return 0, err
	}
	if needs := to.SecretKind != packaging.NoSecret; needs && typed.Empty() {
		return 0, packaging.Fail(packaging.Invalid, "destination.no_secret")
	}
	template, err := s.template(to)
	if err != nil {
		return 0, err
	}
	// it is a part of what seals
	if err := s.row(`SELECT coalesce(max(id), 0) + 1 FROM destinations`).Scan(&id); err != nil {
		return 0, err
	}
	var sealed, setAt any
	setBy := ""
	if to.SecretKind != packaging.NoSecret {
		sealed = s.box.Seal(typed, destinationSecret(s.tenant, id, "secret"))
		setAt, setBy = millis(s.now), s.by.FullName
	}
	lets, err := json.Marshal(append([]packaging.HeldKind{}, to.Lets...))
	if err != nil {
		return 0, err
	}
	err = s.exec(`INSERT INTO destinations (id, tenant_id, line_id, name, kind, address, username, host_key, public_url, file_name,
			format, template_id, lets, late_after, give_up, secret_kind, secret, secret_at, secret_by)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		id, s.tenant, to.Line.ID, to.Name, to.Kind, to.Address, to.Username, to.HostKey, to.PublicURL, to.FileName,
		to.Format, template, string(lets), to.LateAfter.Milliseconds(), to.GiveUp.Milliseconds(), to.SecretKind, sealed,
		setAt, setBy)
	if err != nil {
		return 0, nameTaken(err)
	}
	if err := s.destinationMustStandApart(id, to); err != nil {
		return 0, err
	}
	return id, s.recordDestination(packaging.DestinationSet, to, "", to.Details())
}

func (s *setupTx) destinationMustStandApart(id packaging.DestinationID, to packaging.Destination) error {
	if s.by == provisioner {
		return nil
	}
	return s.mustStandApart(to.Name, `SELECT name FROM destinations WHERE line_id = ? AND id <> ? AND retired_at IS NULL`,
		to.Line.ID, id)
}

// nameTaken returns a Conflict for a name that another destination of the line has, and other errors as they are.
func nameTaken(err error) error {
	if isTaken(err) {
		return packaging.Fail(packaging.Conflict, "destination.name_taken").Because(err)
	}
	return err
}

// template returns the key of a destination's own template, which it adds where it is new, and nil for another format.
func (s *setupTx) template(to packaging.Destination) (any, error) {
	if to.Format != packaging.OwnFormat {
		return nil, nil
	}
	if err := s.exec(`INSERT INTO list_templates (tenant_id, body) VALUES (?, ?) ON CONFLICT DO NOTHING`,
		s.tenant, to.Template); err != nil {
		return nil, err
	}
	var id int64
	return id, s.row(`SELECT id FROM list_templates WHERE tenant_id = ? AND body = ?`, s.tenant, to.Template).Scan(&id)
}

// SetDestination changes a destination. An empty secret leaves the one that it has, unless it would go elsewhere.
func (d *DB) SetDestination(
	ctx context.Context, by packaging.Person, to packaging.Destination, typed secret.Text,
) error {
	return d.setupTx(ctx, by, func(s *setupTx) error {
		was, err := destinationOf(ctx, s, s.tenant, to.ID)
		if err != nil {
			return err
		}
		return s.changeDestination(was, to, typed)
	})
}

func (s *setupTx) changeDestination(was, to packaging.Destination, typed secret.Text) error {
	to.Tenant, to.Line, to.Kind = was.Tenant, was.Line, was.Kind
	if err := to.Check(); err != nil {
		return err
	}
	if typed.Empty() && to.Kind == packaging.SFTPDestination && (moved(was, to) || to.SecretKind != was.SecretKind) {
		return packaging.Fail(packaging.Invalid, "destination.secret_again")
	}
	template, err := s.template(to)
	if err != nil {
		return err
	}
	lets, err := json.Marshal(append([]packaging.HeldKind{}, to.Lets...))
	if err != nil {
		return err
	}
	set := `name = ?, address = ?, username = ?, host_key = ?, public_url = ?, file_name = ?, format = ?, template_id = ?,
		lets = ?, late_after = ?, give_up = ?`
	args := []any{
		to.Name, to.Address, to.Username, to.HostKey, to.PublicURL, to.FileName, to.Format, template,
		string(lets), to.LateAfter.Milliseconds(), to.GiveUp.Milliseconds(),
	}
	if !typed.Empty() {
		set += `, secret_kind = ?, secret = ?, secret_at = ?, secret_by = ?`
		args = append(
			args, to.SecretKind, s.box.Seal(typed, destinationSecret(s.tenant, was.ID, "secret")), millis(s.now),
			s.by.FullName,
		)
	}
	if err := s.exec(`UPDATE destinations SET `+set+` WHERE id = ?`, append(args, was.ID)...); err != nil {
		return nameTaken(err)
	}
	if to.Name != was.Name {
		if err := s.destinationMustStandApart(was.ID, to); err != nil {
			return err
		}
	}
	if err := s.exec(
		`UPDATE deliveries SET next_at = 0 WHERE destination_id = ? AND state = 'waiting'`, was.ID,
	); err != nil {
		return err
	}
	if !typed.Empty() {
		if err := s.recordDestination(packaging.CredentialSet, to, "", ""); err != nil {
			return err
		}
	}
	before, after := was.Details(), to.Details()
	if before == after {
		return nil
	}
	return s.recordDestination(packaging.DestinationSet, to, before, after)
}

// RotateSigningSecret returns a webhook a new secret. Until the given time, its messages are signed with the one before
// too.
func (d *DB) RotateSigningSecret(
	ctx context.Context, by packaging.Person, id packaging.DestinationID, next secret.Text, until time.Time,
) error {
	return d.setupTx(ctx, by, func(s *setupTx) error {
		to, err := destinationOf(ctx, s, s.tenant, id)
		if err != nil {
			return err
		}
		if to.SecretKind != packaging.SigningSecret {
			return packaging.Fail(packaging.Invalid, "error.invalid")
		}
		now, _, err := destinationSecrets(ctx, s, s.box, s.tenant, id, 0)
		if err != nil {
			return err
		}
		if err := s.exec(`UPDATE destinations SET secret = ?, secret_at = ?, secret_by = ?, old_secret = ?, old_until = ? WHERE id = ?`,
			s.box.Seal(next, destinationSecret(s.tenant, id, "secret")), millis(s.now), s.by.FullName,
			s.box.Seal(now, destinationSecret(s.tenant, id, "old secret")), millis(until), id); err != nil {
			return err
		}
		return s.recordDestination(packaging.CredentialSet, to, "", "")
	})
}

// StopDestination has the lists of a destination wait until a person starts it again.
func (d *DB) StopDestination(
	ctx context.Context, by packaging.Person, id packaging.DestinationID, why string,
) error {
	why, err := reason(why)
	if err != nil {
		return err
	}
	return d.setupTx(ctx, by, func(s *setupTx) error {
		to, err := destinationOf(ctx, s, s.tenant, id)
		if err != nil || !to.Stopped.IsZero() {
			return err
		}
		return s.stopDestination(s.by, to, why)
	})
}

// CloseDestination stops a destination by its own word: it wants nothing more.
func (d *DB) CloseDestination(ctx context.Context, to packaging.Destination, why string) error {
	return d.tx(inBackground(ctx), func(t *tx) error {
		now, err := destinationOf(ctx, t, to.Tenant, to.ID)
		if err != nil || !now.Stopped.IsZero() {
			return err
		}
		return t.stopDestination(program, now, why)
	})
}

func (t *tx) stopDestination(by packaging.Author, to packaging.Destination, why string) error {
	if err := t.exec(`UPDATE destinations SET stopped_at = ?, stopped_by = ?, stopped_why = ? WHERE id = ?`,
		millis(t.now), by.FullName, why, to.ID); err != nil {
		return err
	}
	return t.record(packaging.Entry{
		TenantID: to.Tenant, By: by, Deed: packaging.DestinationStopped, Object: to.Name,
		LineCode: to.Line.Code, LineName: to.Line.Name, Comment: why,
	})
}

// StartDestination lets the lists of a stopped destination go again.
func (d *DB) StartDestination(ctx context.Context, by packaging.Person, id packaging.DestinationID) error {
	return d.setupTx(ctx, by, func(s *setupTx) error {
		to, err := destinationOf(ctx, s, s.tenant, id)
		if err != nil || to.Stopped.IsZero() {
			return err
		}
		if err := s.exec(
			`UPDATE destinations SET stopped_at = NULL, stopped_by = '', stopped_why = '' WHERE id = ?`, id,
		); err != nil {
			return err
		}
		if err := s.exec(`UPDATE deliveries SET next_at = 0, since = ? WHERE destination_id = ? AND state = 'waiting'`,
			millis(s.now), id); err != nil {
			return err
		}
		return s.recordDestination(packaging.DestinationStarted, to, "", "")
	})
}

// RetireDestination ends a destination for good. Lists that it has not taken are not brought there any more.
func (d *DB) RetireDestination(
	ctx context.Context, by packaging.Person, id packaging.DestinationID, why string,
) error {
	why, err := reason(why)
	if err != nil {
		return err
	}
	return d.setupTx(ctx, by, func(s *setupTx) error {
		to, err := destinationOf(ctx, s, s.tenant, id)
		if err != nil {
			return err
		}
		if err := s.exec(`UPDATE deliveries SET state = 'stopped', since = ?, by_name = ?, why = ?
			WHERE destination_id = ? AND state IN ('waiting', 'held')`, millis(s.now), s.by.FullName, why,
			id); err != nil {
			return err
		}
		if err := s.exec(`UPDATE destinations SET retired_at = ? WHERE id = ?`, millis(s.now), id); err != nil {
			return err
		}
		e := packaging.Entry{
			TenantID: s.tenant, By: s.by, Deed: packaging.DestinationRetired, Object: to.Name,
			LineCode: to.Line.Code, LineName: to.Line.Name, Comment: why,
		}
		return s.record(e)
	})
}

func (s *setupTx) recordDestination(deed packaging.Deed, to packaging.Destination, before, after string) error {
	e := packaging.Entry{
		TenantID: s.tenant, By: s.by, Deed: deed, Object: to.Name, LineCode: to.Line.Code, LineName: to.Line.Name,
		Old: before, New: after,
	}
	if deed == packaging.CredentialSet {
		e.Object = packaging.SaysSecret.Of(to.Name)
	}
	return s.record(e)
}

// reason returns a person's reason as it is stored. Invalid if there is none, or if it is too long.
func reason(why string) (string, error) {
	why = strings.ToValidUTF8(strings.TrimSpace(why), "�")
	switch n := utf8.RuneCountInString(why); {
	case n == 0:
		return "", packaging.Fail(packaging.Invalid, "settle.no_reason")
	case n > packaging.MaxWhy:
		return "", packaging.Fail(packaging.Invalid, "error.comment_long")
	}
	return why, nil
}

// provisionDestination makes a destination, or brings the one of its line and name to what the file says. One that a
// person ended stays ended. A secret that was set on the pages stays, until the file gives a new one.
func (s *setupTx) provisionDestination(p DestinationSetup) error {
	line, err := s.line(p.Line.Code)
	if err != nil {
		return fmt.Errorf("there is no line %s: %w", p.Line.Code, err)
	}
	to := p.Destination
	to.Line = line
	was, err := scanDestination(s.row(selectDestination+`
		WHERE d.line_id = ? AND d.name = ? ORDER BY d.retired_at IS NOT NULL, d.id DESC LIMIT 1`, line.ID, to.Name))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if to.ID, err = s.addDestination(to, p.Secret); err != nil {
			return err
		}
		return s.markSecret(to.ID, p.Secret)
	case err != nil:
		return err
	case was.Retired:
		return nil
	case was.Kind != to.Kind:
		return errors.New("it is of another kind: give the new one another name")
	}
	to.ID = was.ID
	var mark []byte
	if err := s.row(`SELECT secret_mark FROM destinations WHERE id = ?`, to.ID).Scan(&mark); err != nil {
		return err
	}
	if mark == nil { // the file was applied before there were marks
		now, _, err := destinationSecrets(s.ctx, s, s.box, s.tenant, to.ID, 0)
		if err != nil {
			return err
		}
		if !now.Empty() && now.Equal(p.Secret) {
			mark = s.secretMark(to.ID, now)
			if err := s.markSecret(to.ID, now); err != nil {
				return err
			}
		}
	}
	typed := p.Secret
	if !moved(was, to) && to.SecretKind == was.SecretKind && hmac.Equal(mark, s.secretMark(to.ID, typed)) {
		typed = secret.Text{}
	}
	if typed.Empty() && was.Details() == to.Details() {
		return nil
	}
	if err := s.changeDestination(was, to, typed); err != nil {
		return err
	}
	return s.markSecret(to.ID, p.Secret)
}

// secretMark returns what a destination's secret of a provisioning file is known again by.
func (s *setupTx) secretMark(id packaging.DestinationID, typed secret.Text) []byte {
	return s.box.Mark(typed, destinationSecret(s.tenant, id, "secret of the provisioning file"))
}

// markSecret keeps the mark of the secret that a provisioning file gave.
func (s *setupTx) markSecret(id packaging.DestinationID, typed secret.Text) error {
	if typed.Empty() {
		return nil
	}
	return s.exec(`UPDATE destinations SET secret_mark = ? WHERE id = ?`, s.secretMark(id, typed), id)
}

// sealedDestinations returns the keys of a tenant's destinations that have a secret.
func sealedDestinations(
	ctx context.Context, q querier, tenant packaging.TenantID,
) ([]packaging.DestinationID, error) {
	return collect(ctx, q, func(row scanner) (id packaging.DestinationID, err error) { return id, row.Scan(&id) },
		`SELECT id FROM destinations WHERE tenant_id = ? AND secret IS NOT NULL`, tenant)
}

// resealDestinations seals the secrets of a tenant's destinations with another box.
func (t *tx) resealDestinations(tenant packaging.TenantID, box, next *secret.Box) error {
	ids, err := sealedDestinations(t.ctx, t, tenant)
	if err != nil {
		return err
	}
	for _, id := range ids {
		now, before, err := destinationSecrets(t.ctx, t, box, tenant, id, 0)
		if err != nil {
			return err
		}
		var old any
		if !before.Empty() {
			old = next.Seal(before, destinationSecret(tenant, id, "old secret"))
		}
		if err := t.exec(`UPDATE destinations SET secret = ?, old_secret = ? WHERE id = ?`,
			next.Seal(now, destinationSecret(tenant, id, "secret")), old, id); err != nil {
			return err
		}
	}
	return nil
}

// checkDestinations makes sure that the key at hand opens the secrets of a tenant's destinations.
func (d *DB) checkDestinations(ctx context.Context, tenant packaging.TenantID) error {
	ids, err := sealedDestinations(ctx, d.read, tenant)
	for _, id := range ids {
		if _, _, err := destinationSecrets(ctx, d.read, d.box, tenant, id, 0); err != nil {
			return err
		}
	}
	return err
}
