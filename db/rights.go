package db

import (
	"fmt"
	"sync"

	"lineboard/internal/packaging"
)

// lookedAt is whose rights a writer has looked at since another connection changed the database last.
type lookedAt struct {
	mu      sync.Mutex
	version int64 // SQLite's data_version, 0 for none
	whose   map[holder]bool
}

// holder is a person, or a token, of a tenant.
type holder struct {
	person packaging.UserID
	token  packaging.TokenID
	tenant packaging.TenantID
}

func (l *lookedAt) has(version int64, h holder) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.version == version && l.whose[h]
}

func (l *lookedAt) add(version int64, some []holder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.version != version {
		l.version, l.whose = version, map[holder]bool{}
	}
	for _, h := range some {
		l.whose[h] = true
	}
}

func (l *lookedAt) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.version, l.whose = 0, nil
}

// The records that the rights of a person, ?1, and of a token depend on at a tenant, ?2: those that are there, and of
// which the log says that they were.
const (
	rightsOfPerson = `
		SELECT 'users', ?2, json_array(?1)
		UNION SELECT 'members', ?2, json_array(?1, ?2)
		UNION SELECT 'station_factors', ?2, json_array(?1, ?2)
		UNION SELECT 'member_roles', ?2, json_array(user_id, tenant_id, role) FROM member_roles
			WHERE user_id = ?1 AND tenant_id = ?2
		UNION SELECT 'member_lines', ?2, json_array(user_id, tenant_id, line_id) FROM member_lines
			WHERE user_id = ?1 AND tenant_id = ?2
		UNION SELECT record, tenant_id, key FROM record_log INDEXED BY record_log_of_record
			WHERE tenant_id = ?2 AND record IN ('member_roles', 'member_lines')
				AND key > '[' || ?1 || ',' || ?2 || ',' AND key < '[' || ?1 || ',' || ?2 || '-'`
	rightsOfToken = `
		SELECT 'api_tokens', ?2, json_array(?1)
		UNION SELECT 'api_token_scopes', ?2, json_array(token_id, scope) FROM api_token_scopes
			WHERE token_id = ?1 AND tenant_id = ?2
		UNION SELECT 'api_token_lines', ?2, json_array(token_id, line_id) FROM api_token_lines
			WHERE token_id = ?1 AND tenant_id = ?2
		UNION SELECT record, tenant_id, key FROM record_log INDEXED BY record_log_of_record
			WHERE tenant_id = ?2 AND record IN ('api_token_scopes', 'api_token_lines')
				AND key > '[' || ?1 || ',' AND key < '[' || ?1 || '-'`
)

// lookAtRights has the records that somebody's rights depend on compared with the log, as those that the transaction
// changes are. Rights that a hand lends for a minute leave nothing to find once they are taken back, but for this.
func (t *tx) lookAtRights(by packaging.Person) error {
	h, rights, id := holder{person: by.ID, tenant: by.Tenant.ID}, rightsOfPerson, int64(by.ID)
	if by.Token != 0 {
		h, rights, id = holder{token: by.Token, tenant: by.Tenant.ID}, rightsOfToken, int64(by.Token)
	}
	var version int64
	if err := t.row(`PRAGMA data_version`).Scan(&version); err != nil {
		return coded(err)
	}
	if t.writer.rights.has(version, h) {
		return nil
	}
	t.version, t.holders = version, append(t.holders, h)
	if err := t.exec(`INSERT INTO temp.touched `+rights, id, by.Tenant.ID); err != nil {
		return fmt.Errorf("look at rights: %w", err)
	}
	return nil
}
