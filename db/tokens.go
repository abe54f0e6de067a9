package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

const tokenColumns = `k.id, k.name, k.created_at, k.creator_name, k.expires_at, k.used_at, k.revoked_at, k.revoker_name,
	(SELECT json_group_array(line_id) FROM api_token_lines l WHERE l.token_id = k.id),
	(SELECT json_group_array(scope) FROM api_token_scopes s WHERE s.token_id = k.id)`

// scanToken reads tokenColumns, and what follows them into more. Of its lines it knows the keys.
func scanToken(row scanner, more ...any) (k packaging.Token, err error) {
	var created int64
	var expires, used, revoked sql.Null[int64]
	var lines, scopes string
	err = row.Scan(
		append(
			[]any{&k.ID, &k.Name, &created, &k.CreatedBy, &expires, &used, &revoked, &k.RevokedBy, &lines, &scopes},
			more...,
		)...,
	)
	if err != nil {
		return k, err
	}
	k.Created, k.Expires, k.Used, k.Revoked = moment(created), moment(expires.V), moment(used.V), moment(revoked.V)
	var ids []packaging.LineID
	if err := json.Unmarshal([]byte(lines), &ids); err != nil {
		return k, err
	}
	for _, id := range ids {
		k.Lines = append(k.Lines, packaging.Line{ID: id})
	}
	return k, json.Unmarshal([]byte(scopes), &k.Scopes)
}

// Tokens returns the tenant's API tokens, those that still let somebody in first, then the newest.
func (d *DB) Tokens(ctx context.Context, tenant packaging.TenantID) ([]packaging.Token, error) {
	lines, err := d.Lines(ctx, packaging.Everything(tenant))
	if err != nil {
		return nil, err
	}
	tokens, err := collect(ctx, d.read, func(row scanner) (packaging.Token, error) { return scanToken(row) }, `
		SELECT `+tokenColumns+` FROM api_tokens k WHERE k.tenant_id = ?1
		ORDER BY k.revoked_at IS NOT NULL OR coalesce(k.expires_at <= ?2, 0), k.id DESC`, tenant, millis(d.now()))
	for _, k := range tokens {
		for n := range k.Lines {
			if at := slices.IndexFunc(lines, func(l packaging.Line) bool { return l.ID == k.Lines[n].ID }); at >= 0 {
				k.Lines[n] = lines[at]
			}
		}
		slices.SortFunc(k.Lines, packaging.ByCode)
	}
	return tokens, err
}

// CreateToken stores a new token under the hash of its value, and records it. A name that another token has, which is
// not revoked, is a Conflict.
func (d *DB) CreateToken(ctx context.Context, by packaging.Person, k packaging.Token, hash [32]byte) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		seen, err := linesOf(ctx, t, by.Scope())
		if err != nil {
			return err
		}
		lines := make([]packaging.Line, len(k.Lines))
		for i, l := range k.Lines {
			var known bool
			if lines[i], known = lineByID(seen, l.ID); !known {
				return packaging.Fail(packaging.NotFound, "error.not_found")
			}
		}
		if len(lines) == 0 && by.Scope().Limited() { // nobody lets a program do more than they see
			return packaging.Fail(packaging.NotFound, "error.not_found")
		}
		id, err := t.insert(`INSERT INTO api_tokens (tenant_id, name, hash, created_at, created_by, creator_name, expires_at) VALUES (?,?,?,?,?,?,?)`,
			by.Tenant.ID, k.Name, hash[:], millis(t.now), by.ID, by.FullName, nullTime(k.Expires))
		if isTaken(err) {
			return packaging.Fail(packaging.Conflict, "tokens.name_taken").Because(err)
		}
		if err != nil {
			return err
		}
		if err := t.mustStandApart(
			k.Name, `SELECT name FROM api_tokens WHERE tenant_id = ? AND id <> ? AND revoked_at IS NULL`, by.Tenant.ID, id,
		); err != nil {
			return err
		}
		limits, err := t.addScopes(by, id, k.Scopes)
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			limits = append(limits, packaging.SaysAllLines.Of())
		}
		for _, l := range lines {
			if err := t.exec(
				`INSERT INTO api_token_lines (token_id, tenant_id, line_id) VALUES (?,?,?)`, id, by.Tenant.ID, l.ID,
			); err != nil {
				return err
			}
			limits = append(limits, l.Code)
		}
		if !k.Expires.IsZero() {
			limits = append(limits, packaging.SaysUntil.Of(k.Expires.UTC().Format(time.RFC3339)))
		}
		return t.record(packaging.Entry{
			TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.TokenCreated, Object: k.Name,
			New: strings.Join(limits, ", "),
		})
	})
}

// addScopes stores what a new token may do, and returns it for the history.
func (t *tx) addScopes(by packaging.Person, id int64, scopes []packaging.TokenScope) (says []string, err error) {
	if len(scopes) == 0 {
		return nil, packaging.Fail(packaging.Invalid, "tokens.no_scope")
	}
	for _, scope := range scopes {
		if err := t.exec(
			`INSERT INTO api_token_scopes (token_id, tenant_id, scope) VALUES (?,?,?)`, id, by.Tenant.ID, scope,
		); err != nil {
			return nil, err
		}
		says = append(says, scope.Recorded())
	}
	return says, nil
}

// RevokeToken ends a token for good, and records it. One that is revoked already stays as it is.
func (d *DB) RevokeToken(ctx context.Context, by packaging.Person, id packaging.TokenID) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		var name string
		var revoked bool
		if err := t.row(
			`SELECT name, revoked_at IS NOT NULL FROM api_tokens WHERE id = ? AND tenant_id = ?`, id, by.Tenant.ID,
		).
			Scan(&name, &revoked); err != nil || revoked {
			return err
		}
		if err := t.exec(
			`UPDATE api_tokens SET revoked_at = ?, revoked_by = ?, revoker_name = ? WHERE id = ?`, millis(t.now), by.ID,
			by.FullName, id,
		); err != nil {
			return err
		}
		return t.record(
			packaging.Entry{TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.TokenRevoked, Object: name},
		)
	})
}

// TokenOf returns the token with the hash, and its tenant. One that has ended is given too.
func (d *DB) TokenOf(ctx context.Context, hash [32]byte) (k packaging.Token, tenant packaging.Tenant, err error) {
	k, err = scanToken(d.read.QueryRowContext(ctx, `
		SELECT `+tokenColumns+`, t.id, t.slug, t.name, t.time_zone, t.base_url
		FROM api_tokens k JOIN tenants t ON t.id = k.tenant_id WHERE k.hash = ?`, hash[:]),
		&tenant.ID, &tenant.Slug, &tenant.Name, &tenant.TimeZone, &tenant.BaseURL)
	return k, tenant, coded(err)
}

// TouchToken notes that a token was used now.
func (d *DB) TouchToken(ctx context.Context, id packaging.TokenID) error {
	return d.tx(ctx, func(t *tx) error {
		return t.exec(`UPDATE api_tokens SET used_at = ? WHERE id = ?`, millis(t.now), id)
	})
}
