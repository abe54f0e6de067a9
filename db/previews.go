package db

import (
	"context"
	"fmt"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// previewOwner is what a kept file is bound to: it opens for nobody else.
func previewOwner(p packaging.Person) string {
	return fmt.Sprintf("import preview, tenant %d, user %d", p.Tenant.ID, p.ID)
}

// KeepPreview keeps a file for the person who looks at what it would do, in place of the one before it, for so long.
func (d *DB) KeepPreview(
	ctx context.Context, by packaging.Person, f packaging.ImportFile, lasting time.Duration,
) (id packaging.PreviewID, err error) {
	sealed := d.box.Seal(secret.New(f.Content), previewOwner(by))
	err = d.authorizedTx(ctx, by, packaging.ImportOrders, func(t *tx, p packaging.Person) error {
		if err := t.exec(
			`DELETE FROM import_previews WHERE user_id = ? AND tenant_id = ?`, p.ID, p.Tenant.ID,
		); err != nil {
			return err
		}
		key, err := t.insert(`INSERT INTO import_previews (tenant_id, user_id, expires_at, file_name, content) VALUES (?,?,?,?,?)`,
			p.Tenant.ID, p.ID, millis(t.now.Add(lasting)), f.Name, sealed)
		id = packaging.PreviewID(key)
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
		SELECT id, file_name, content, expires_at FROM import_previews WHERE id = ? AND user_id = ? AND tenant_id = ? AND expires_at > ?`,
		id, p.ID, p.Tenant.ID, millis(d.now())).Scan(&f.ID, &f.Name, &sealed, &until))
	if packaging.CodeOf(err) == packaging.NotFound {
		return f, errPreviewGone.Because(err)
	}
	if err != nil {
		return f, err
	}
	content, err := d.box.Open(sealed, previewOwner(p))
	f.Content, f.Until = content.Reveal(), moment(until)
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
