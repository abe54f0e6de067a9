package db

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// previewOwner is what a kept file is bound to: it opens for nobody else.
func previewOwner(p packaging.Person) string {
	return fmt.Sprintf("import preview, tenant %d, user %d", p.Tenant.ID, p.ID)
}

// partOwner is what a part of a kept file is bound to.
func partOwner(p packaging.Person, id packaging.PreviewID, part int) string {
	return fmt.Sprintf("%s, preview %d, part %d", previewOwner(p), id, part)
}

// outline is what is kept of a file beside its rows.
type outline struct {
	Parts     int
	Questions packaging.ImportFaults
}

// partsAtOnce are the parts of a file that one transaction keeps or forgets: nobody waits long for the writer.
const partsAtOnce = 8

// KeepPreview keeps what a file says for the person who looks at what it would do, in place of the one before it, for
// so long. A part follows the other; without all of them the file is none.
func (d *DB) KeepPreview(
	ctx context.Context, by packaging.Person, f packaging.ImportFile, lasting time.Duration,
) (packaging.PreviewID, error) {
	parts := f.Rows.Parts()
	if err := d.forgetPreviews(ctx, `user_id = ? AND tenant_id = ?`, by.ID, by.Tenant.ID); err != nil {
		return 0, err
	}
	id, err := d.beginPreview(ctx, by, f.Name, outline{len(parts), f.Questions}, lasting)
	for first := 0; first < len(parts) && err == nil; first += partsAtOnce {
		err = d.keepParts(ctx, by, id, first, parts[first:min(first+partsAtOnce, len(parts))])
	}
	return id, err
}

func (d *DB) beginPreview(
	ctx context.Context, by packaging.Person, name string, of outline, lasting time.Duration,
) (id packaging.PreviewID, err error) {
	kept, err := json.Marshal(of)
	if err != nil {
		return 0, err
	}
	sealed := d.box.Seal(secret.New(string(kept)), previewOwner(by))
	err = d.authorizedTx(ctx, by, packaging.ImportOrders, func(t *tx, p packaging.Person) error {
		if err := t.exec(
			`DELETE FROM import_previews WHERE user_id = ? AND tenant_id = ?`, p.ID, p.Tenant.ID,
		); err != nil {
			return err
		}
		key, err := t.insert(`INSERT INTO import_previews (tenant_id, user_id, expires_at, file_name, outline) VALUES (?,?,?,?,?)`,
			p.Tenant.ID, p.ID, millis(t.now.Add(lasting)), name, sealed)
		id = packaging.PreviewID(key)
		return err
	})
	return id, err
}

// keepParts keeps some parts of a file, the first of which has this number.
func (d *DB) keepParts(
	ctx context.Context, by packaging.Person, id packaging.PreviewID, first int, parts []string,
) error {
	sealed := make([][]byte, len(parts))
	for i, part := range parts {
		sealed[i] = d.box.Seal(secret.New(part), partOwner(by, id, first+i))
	}
	return d.authorizedTx(ctx, by, packaging.ImportOrders, func(t *tx, p packaging.Person) error {
		for i, content := range sealed {
			var kept int
			err := coded(t.row(`INSERT INTO import_preview_parts (preview_id, part, content)
				SELECT id, ?, ? FROM import_previews WHERE id = ? RETURNING part`, first+i, content, id).Scan(&kept))
			if packaging.CodeOf(err) == packaging.NotFound { // another one came in its place meanwhile
				return errPreviewGone.Because(err)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// errPreviewGone is for who asks for a file that is not kept any more, or is another person's.
var errPreviewGone = packaging.Fail(packaging.NotFound, "error.preview_gone")

// Preview returns a file that is kept for the person.
func (d *DB) Preview(
	ctx context.Context, p packaging.Person, id packaging.PreviewID,
) (f packaging.ImportFile, err error) {
	var until int64
	var sealed []byte
	err = coded(d.read.QueryRowContext(ctx, `
		SELECT id, file_name, outline, expires_at FROM import_previews WHERE id = ? AND user_id = ? AND tenant_id = ? AND expires_at > ?`,
		id, p.ID, p.Tenant.ID, millis(d.now())).Scan(&f.ID, &f.Name, &sealed, &until))
	if packaging.CodeOf(err) == packaging.NotFound {
		return f, errPreviewGone.Because(err)
	}
	if err != nil {
		return f, err
	}
	f.Until = moment(until)
	opened, err := d.box.Open(sealed, previewOwner(p))
	if err != nil {
		return f, err
	}
	var kept outline
	if err := json.Unmarshal([]byte(opened.Reveal()), &kept); err != nil { // an earlier version kept the file itself
		return f, errPreviewGone.Because(err)
	}
	f.Questions = kept.Questions
	number := 0
	parts, err := collect(ctx, d.read, func(row scanner) (string, error) {
		var sealed []byte
		if err := row.Scan(&sealed); err != nil {
			return "", err
		}
		part, err := d.box.Open(sealed, partOwner(p, id, number))
		number++
		return part.Reveal(), err
	}, `SELECT content FROM import_preview_parts WHERE preview_id = ? ORDER BY part`, id)
	switch {
	case err != nil:
		return f, err
	case len(parts) != kept.Parts: // another one came in its place meanwhile
		return f, errPreviewGone
	}
	f.Rows, err = packaging.UnpackImportRows(parts)
	return f, err
}

// takePreview forgets a kept file, which must be there still.
func (t *tx) takePreview(p packaging.Person, id packaging.PreviewID) error {
	var taken int64
	err := coded(t.row(`DELETE FROM import_previews WHERE id = ? AND user_id = ? AND tenant_id = ? AND expires_at > ? RETURNING id`,
		id, p.ID, p.Tenant.ID, millis(t.now)).Scan(&taken))
	if packaging.CodeOf(err) == packaging.NotFound {
		return errPreviewGone.Because(err)
	}
	return err
}

// DropPreviews forgets the files that are not kept any longer.
func (d *DB) DropPreviews(ctx context.Context) error {
	return d.forgetPreviews(inBackground(ctx), `expires_at <= ?`, millis(d.now()))
}

// forgetPreviews forgets the files of a condition, some parts after the other.
func (d *DB) forgetPreviews(ctx context.Context, which string, args ...any) error {
	forget := func(t *tx) (more bool, err error) {
		parts, err := t.ExecContext(t.ctx, `
			DELETE FROM import_preview_parts WHERE rowid IN (
				SELECT p.rowid FROM import_previews v JOIN import_preview_parts p ON p.preview_id = v.id
				WHERE `+which+` LIMIT ?)`, slices.Concat(args, []any{partsAtOnce})...)
		if err != nil {
			return false, err
		}
		if n, err := parts.RowsAffected(); err != nil || n == partsAtOnce {
			return true, err
		}
		return false, t.exec(`DELETE FROM import_previews WHERE `+which, args...)
	}
	for more := true; more; {
		if err := d.tx(ctx, func(t *tx) (err error) {
			more, err = forget(t)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
