package app

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"lineboard/db"
	"lineboard/internal/certificate"
	"lineboard/internal/deliver"
	"lineboard/internal/manufacturer"
	"lineboard/internal/release"
)

// settings are the flags that serve and demo share.
type settings struct {
	Addr      string     `default:":8080" help:"Address to listen on."`
	Data      string     `placeholder:"DIR" help:"Folder of the database and its key."`
	Anchors   string     `placeholder:"FILE" help:"File of the history's anchors (default: anchors.log in the data folder)."`
	Verbose   bool       `help:"Log every request."`
	LogFormat string     `enum:"text,json" default:"text" help:"Format of the log: text (key=value) or json."`
	LogLevel  slog.Level `default:"info" help:"Least level that is logged: debug, info, warn or error."`

	MetricsAddr      string `placeholder:"ADDR" help:"Address to serve metrics on, without sign-in (default: none)."`
	MetricsTokenFile string `placeholder:"FILE" help:"File with the token by which /metrics of the main address is read."`

	// What is kept.

	BackupDir   string        `placeholder:"DIR" help:"Make backups by itself in this folder, on another disk."`
	BackupEvery time.Duration `default:"24h" help:"Time between two backups."`
	BackupKeep  int           `default:"7" help:"How many backups to keep."`

	replication

	AcceptLostHistory []string `placeholder:"SLUG:ENTRY" help:"Start though the history of a tenant is lost up to this entry."`

	// Where serial lists go.

	DropRoots map[string]string `name:"drop-root" placeholder:"NAME=DIR" help:"Folder that lists may be written to, by a name."`

	// Calls of the API.

	Refresh      time.Duration   `default:"30s" help:"Time between two refreshes of the orders."`
	SignInLimit  time.Duration   `default:"10s" help:"Time limit for signing in to the API."`
	ReadLimit    time.Duration   `default:"15s" help:"Time limit for a read of the API."`
	ReleaseLimit time.Duration   `default:"30s" help:"Time limit for a release; after it the outcome is unknown."`
	AskAfter     []time.Duration `default:"2s,5s,15s,1m,4m" help:"When to ask about an unknown outcome."`
	Doubt        time.Duration   `default:"15s" help:"How long the API may still carry out a release that was cut off."`

	DestinationHosts []string `placeholder:"HOST" help:"Hosts that lists and alarms may be sent to, with a port or without."`

	// People.

	SessionIdle     time.Duration `default:"2h" help:"Sign people out when they did nothing for this long."`
	SessionLimit    time.Duration `default:"12h" help:"Sign people out this long after they signed in."`
	PrivateHosts    []string      `placeholder:"HOST" help:"Hosts inside the plant that may sign people in."`
	ConnectionLimit int           `default:"400" help:"Connections of one address at once; 0 for no limit."`
	RateLimit       float64       `default:"100" help:"Requests a second of an address or a session; 0 for no limit."`

	// The way to them.

	HTTPS   bool           `name:"https" help:"A proxy serves HTTPS to people: send cookies over nothing else."`
	TLSCert string         `placeholder:"FILE" help:"Certificate to serve HTTPS (PEM); a renewed file needs no restart."`
	TLSKey  string         `placeholder:"FILE" help:"Key of the certificate (PEM)."`
	Local   []netip.Prefix `name:"local-networks" placeholder:"CIDR" help:"IPv6 networks whose addresses count each."`
	Prefix  string         `name:"path-prefix" placeholder:"/PATH" help:"Path below which a proxy serves Lineboard."`
	Proxies []netip.Prefix `name:"trusted-proxies" placeholder:"CIDR" help:"Believe X-Forwarded-… and Forwarded of these proxies."`
}

// pathPrefix is the form of a path below which a proxy serves pages.
var pathPrefix = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// rootName is the form of the name of a folder that lists are written to.
var rootName = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)

// lostHistory is the form of a history that is accepted as lost.
var lostHistory = regexp.MustCompile(`^[^:]+:[1-9][0-9]{0,17}$`)

// minLimit is the shortest time that makes sense for a limit.
const minLimit = 100 * time.Millisecond

// Validate refuses values that make no sense; kong calls it.
func (s *settings) Validate() error {
	for name, d := range map[string]time.Duration{
		"refresh":       s.Refresh,
		"sign-in-limit": s.SignInLimit,
		"read-limit":    s.ReadLimit,
		"release-limit": s.ReleaseLimit,
		"session-idle":  s.SessionIdle,
		"session-limit": s.SessionLimit,
	} {
		if d < minLimit {
			return fmt.Errorf("--%s must be at least %v", name, minLimit)
		}
	}
	for flag, address := range map[string]string{"--addr": s.Addr, "--metrics-addr": cmp.Or(s.MetricsAddr, ":0")} {
		if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
			return fmt.Errorf("%s must be an address such as :8080 or 127.0.0.1:8080", flag)
		}
	}
	for _, accepted := range s.AcceptLostHistory {
		if !lostHistory.MatchString(accepted) {
			return fmt.Errorf(
				"--accept-lost-history=%s must be SLUG:ENTRY, as the start that failed named it", accepted,
			)
		}
	}
	if err := s.check(); err != nil {
		return err
	}
	if s.BackupEvery < time.Minute || s.BackupKeep < 1 {
		return errors.New("--backup-every must be at least 1m, and --backup-keep at least 1")
	}
	for name, dir := range s.DropRoots {
		if !rootName.MatchString(name) || !filepath.IsAbs(dir) {
			return fmt.Errorf(
				"--drop-root %s=%s must be a name of letters, digits and hyphens, and a whole path", name, dir,
			)
		}
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key belong together")
	}
	if s.Prefix != "" && !pathPrefix.MatchString(s.Prefix) {
		return errors.New("--path-prefix must be a path such as /lineboard, without a slash at its end")
	}
	if s.RateLimit < 0 {
		return errors.New("--rate-limit must not be below zero")
	}
	if s.ConnectionLimit < 0 {
		return errors.New("--connection-limit must not be below zero")
	}
	if len(s.AskAfter) < 2 || s.AskAfter[0] <= 0 || !slices.IsSorted(s.AskAfter) {
		return errors.New("--ask-after must be two or more growing times")
	}
	if s.Doubt < 0 {
		return errors.New("--doubt must not be below zero")
	}
	return nil
}

// parts returns what the flags decide of a Lineboard.
func (s *settings) parts(store *db.DB, log *slog.Logger) Parts {
	return Parts{
		Store:   store,
		Anchors: anchorsPath(s.Anchors, s.Data),
		Copies: Copies{
			Database: filepath.Join(s.Data, databaseFile), Folder: s.BackupDir, Every: s.BackupEvery,
			Keep: s.BackupKeep,
		},
		Now: time.Now,
		Log: log,
		Deliveries: deliver.Options{
			Roots: s.DropRoots, Hosts: s.DestinationHosts,
			First: firstDeliveryWait, Most: longestDeliveryWait, Limit: deliveryLimit,
		},
		APILimits: manufacturer.Limits{
			SignIn:  s.SignInLimit,
			Read:    s.ReadLimit,
			Release: s.ReleaseLimit,
		},
		AskPace:         release.Pace{After: s.AskAfter, Doubt: s.Doubt},
		RefreshInterval: s.Refresh,
		Patience:        patience,
		Secure:          s.HTTPS || s.TLSCert != "",
		Prefix:          s.Prefix,
		SessionIdle:     s.SessionIdle,
		SessionLimit:    s.SessionLimit,
		PrivateHosts:    s.PrivateHosts,
		Proxies:         s.Proxies,
		Local:           s.Local,
		RateLimit:       s.RateLimit,
		Machine:         s.machine,
		Disks:           s.disks,
		AccessLog:       s.Verbose,
		Loose:           func() []string { return looseFiles(s.Data, anchorsPath(s.Anchors, s.Data)) },

		DestinationHosts: s.DestinationHosts,
	}
}

// The first wait after a serial list was not taken, the longest one, and the limit of one try.
const (
	firstDeliveryWait   = 2 * time.Second
	longestDeliveryWait = 10 * time.Minute
	deliveryLimit       = 2 * time.Minute
)

// patience is how long a press of release waits before its page shows it as under way.
const patience = 8 * time.Second

// logger returns a log that is written to w.
func (s *settings) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.LogLevel}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// openCertificate opens the certificate that the flags name; nil when they name none.
func (s *settings) openCertificate(log *slog.Logger) (*certificate.Reloader, error) {
	if s.TLSCert == "" {
		return nil, nil
	}
	return certificate.Open(s.TLSCert, s.TLSKey, log)
}
