package db

import (
	"context"
	"encoding/json"
	"fmt"
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

// KeepPreview keeps what a file says for the person who looks at what it would do, in place of the one before it, for
// so long.
func (d *DB) KeepPreview(
	ctx context.Context, by packaging.Person, f packaging.ImportFile, lasting time.Duration,
) (id packaging.PreviewID, err error) {
	parts := f.Rows.Parts()
	kept, err := json.Marshal(outline{len(parts), f.Questions})
	if err != nil {
		return 0, err
	}
	err = d.authorizedTx(ctx, by, packaging.ImportOrders, func(t *tx, p packaging.Person) error {
		if err := t.exec(
			`DELETE FROM import_previews WHERE user_id = ? AND tenant_id = ?`, p.ID, p.Tenant.ID,
		); err != nil {
			return err
		}
		key, err := t.insert(`INSERT INTO import_previews (tenant_id, user_id, expires_at, file_name, outline) VALUES (?,?,?,?,?)`,
			p.Tenant.ID, p.ID, millis(t.now.Add(lasting)), f.Name, d.box.Seal(secret.New(string(kept)), previewOwner(by)))
		id = packaging.PreviewID(key)
		for n, part := range parts {
			if err == nil {
				err = t.exec(`INSERT INTO import_preview_parts (preview_id, part, content) VALUES (?,?,?)`,
					id, n, d.box.Seal(secret.New(part), partOwner(by, id, n)))
			}
		}
		return err
	})
	return id, err
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
	return d.tx(inBackground(ctx), func(t *tx) error {
		return t.exec(`DELETE FROM import_previews WHERE expires_at <= ?`, millis(t.now))
	})
}
