package db

import (
	"encoding/json"

	"lineboard/internal/packaging"
)

// partsOfSchema is what the history calls the parts of the schema.
const partsOfSchema = "sqlite_schema"

// watchSchema looks whether the schema is the program's own, once on each connection and whenever it was changed since.
// Each history keeps what is not: a trigger of a hand writes within the program's transactions, and what it wrote would
// pass for the program's once the trigger is gone.
func (t *tx) watchSchema() error {
	if err := t.row(`PRAGMA schema_version`).Scan(&t.schema); err != nil || t.schema == t.writer.schema.Load() {
		return err
	}
	// The connection has read the schema anew. If nothing is committed now, the version that was looked at before may
	// come back, but with what is there now.
	t.writer.schema.Store(0)
	faults, err := schemaFaultsIn(t.ctx, t)
	if err != nil || len(faults) == 0 {
		return err
	}
	tenants, err := collect(t.ctx, t, scanTenant, selectTenant+`ORDER BY id`)
	if err != nil {
		return err
	}
	for _, tenant := range tenants {
		told, err := t.toldByHand(tenant.ID)
		if err != nil {
			return err
		}
		for _, f := range faults {
			key, err := json.Marshal([]string{f.Name})
			if err != nil {
				return err
			}
			if part := (touchedRecord{partsOfSchema, tenant.ID, string(key)}); !told[part.said()] {
				t.byHand[part], t.foreign = f.Kind, true
			}
		}
	}
	if len(tenants) == 0 { // nobody is told yet
		t.schema = 0
	}
	return nil
}

func (r touchedRecord) said() string { return packaging.SaysRecord.Of(r.record, r.key) }

// toldByHand returns what the history of a tenant says to have been done by hand.
func (t *tx) toldByHand(tenant packaging.TenantID) (map[string]bool, error) {
	all, err := collect(t.ctx, t, func(row scanner) (said string, err error) { return said, row.Scan(&said) },
		`SELECT object FROM history WHERE tenant_id = ? AND deed = '`+string(packaging.RecordByHand)+`'`, tenant)
	told := map[string]bool{}
	for _, said := range all {
		told[said] = true
	}
	return told, err
}

// mustTellOfSchema fails where what a hand made kept the history from telling of it.
func (t *tx) mustTellOfSchema() error {
	if !t.foreign {
		return nil
	}
	told := map[packaging.TenantID]map[string]bool{}
	for _, e := range t.entries {
		if told[e.TenantID] == nil {
			var err error
			if told[e.TenantID], err = t.toldByHand(e.TenantID); err != nil {
				return err
			}
		}
		if e.Deed == packaging.RecordByHand && !told[e.TenantID][e.Object] {
			return packaging.Fail(packaging.Unavailable, "error.database_broken")
		}
	}
	return nil
}
