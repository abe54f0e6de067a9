package manufacturer

import (
	"context"
	"sync"
	"time"

	"lineboard/internal/packaging"
)

// Clients are the clients of all tenants. Each is created at its first use, and kept: it holds the token, and knows
// whether the API is down.
type Clients struct {
	config func(context.Context, packaging.TenantID) (Config, error)
	turned func(packaging.TenantID)
	mu     sync.Mutex
	byID   map[packaging.TenantID]*Client
}

// NewClients returns Clients that read a tenant's settings with config.
func NewClients(config func(context.Context, packaging.TenantID) (Config, error)) *Clients {
	return &Clients{config: config, byID: map[packaging.TenantID]*Client{}}
}

// OnOutage has turned called when a tenant's API goes down, and when it is back. It comes before the first call.
func (c *Clients) OnOutage(turned func(packaging.TenantID)) { c.turned = turned }

// Of returns a tenant's client. It fails if one of the tenant's settings is wrong or can't be read.
func (c *Clients) Of(ctx context.Context, tenant packaging.TenantID) (*Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.byID[tenant]; client != nil {
		return client, nil
	}
	config, err := c.config(ctx, tenant)
	if err != nil {
		return nil, err
	}
	client, err := New(config)
	if err == nil {
		if c.turned != nil {
			client.breaker.turned = func() { c.turned(tenant) }
		}
		c.byID[tenant] = client
	}
	return client, err
}

// Down returns whether a tenant's API counts as down, and since when it has not answered.
func (c *Clients) Down(tenant packaging.TenantID) (since time.Time, down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	client := c.byID[tenant]
	if client == nil {
		return time.Time{}, false
	}
	return client.Down()
}

// Health returns how a tenant's latest calls ended; ok is false if it has made none yet.
func (c *Clients) Health(tenant packaging.TenantID) (h packaging.ConnectionHealth, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	client := c.byID[tenant]
	if client == nil {
		return h, false
	}
	return client.Health(), true
}

// Forget drops a tenant's client: its next call uses the settings at that time. Calls under way keep theirs.
func (c *Clients) Forget(tenant packaging.TenantID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.byID[tenant]; client != nil {
		client.Close()
		delete(c.byID, tenant)
	}
}
