package manufacturer

import (
	"context"
	"sync"

	"lineboard/internal/packaging"
)

// Clients are the clients of all tenants, each made when it is first needed and kept, since it knows the token and how the
// API has answered of late.
type Clients struct {
	config func(context.Context, packaging.TenantID) (Config, error)
	mu     sync.Mutex
	made   map[packaging.TenantID]*Client
}

// NewClients makes Clients that ask config for a tenant's settings.
func NewClients(config func(context.Context, packaging.TenantID) (Config, error)) *Clients {
	return &Clients{config: config, made: map[packaging.TenantID]*Client{}}
}

// Of gives a tenant's client. Its error says which of the tenant's settings is wrong.
func (c *Clients) Of(ctx context.Context, tenant packaging.TenantID) (*Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.made[tenant]; client != nil {
		return client, nil
	}
	config, err := c.config(ctx, tenant)
	if err != nil {
		return nil, err
	}
	client, err := New(config)
	if err == nil {
		c.made[tenant] = client
	}
	return client, err
}

// Down says whether a tenant's API does not answer at the moment.
func (c *Clients) Down(tenant packaging.TenantID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	client := c.made[tenant]
	if client == nil {
		return false
	}
	_, down := client.Down()
	return down
}

// Health tells how a tenant's calls have fared since its client was made; ok is false where none was made yet.
func (c *Clients) Health(tenant packaging.TenantID) (h packaging.ConnectionHealth, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	client := c.made[tenant]
	if client == nil {
		return h, false
	}
	return client.Health(), true
}

// Forget has the tenant's next call made with its settings of then. Calls under way go on with those they began with.
func (c *Clients) Forget(tenant packaging.TenantID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.made[tenant]; client != nil {
		client.Close()
		delete(c.made, tenant)
	}
}
