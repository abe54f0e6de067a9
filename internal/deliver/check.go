package deliver

import (
	"cmp"
	"errors"
	"net"
	"net/url"
	"strings"

	"lineboard/internal/listfile"
	"lineboard/internal/outbound"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	webhooks "lineboard/internal/webhook"
)

// Check returns a destination as it is stored, and what its lists would look like. Invalid if lists could not be
// brought there with what the server was started with, or not be written so. typed is a new secret, empty for the one
// that is stored.
func (d *Deliverer) Check(
	to packaging.Destination, typed secret.Text,
) (packaging.Destination, packaging.ListPreview, error) {
	var preview packaging.ListPreview
	to.Address = strings.TrimSpace(to.Address)
	if to.Kind.WritesFiles() && to.FileName == "" {
		to.FileName = listfile.DefaultFileName(to.Format)
	}
	switch to.Kind {
	case packaging.FolderDestination:
		if d.Roots[to.Address] == "" {
			return to, preview, packaging.Fail(packaging.Invalid, "destination.no_root")
		}
	case packaging.SFTPDestination:
		to.Address = withPort(to.Address)
		if err := d.checkHost(to.Address); err != nil {
			return to, preview, err
		}
		if to.HostKey != "" && d.Fingerprint(to.HostKey) == "" {
			return to, preview, packaging.Fail(packaging.Invalid, "destination.bad_host_key")
		}
		if to.SecretKind == packaging.KeySecret && !typed.Empty() {
			if err := checkPrivateKey(typed); err != nil {
				return to, preview, err
			}
		}
	case packaging.WebhookDestination:
		if err := cmp.Or(d.checkURL(to.Address), checkPublic(to.PublicURL)); err != nil {
			return to, preview, err
		}
		if !typed.Empty() {
			if _, err := webhooks.Key(typed); err != nil {
				return to, preview, packaging.Fail(packaging.Invalid, "destination.bad_signing_secret").Because(err)
			}
		}
	}
	preview, err := checkFiles(to)
	return to, preview, err
}

// checkFiles returns what a destination's lists would look like. Invalid if they can't be written or named so.
func checkFiles(to packaging.Destination) (preview packaging.ListPreview, err error) {
	if to.Kind.WritesFiles() {
		if preview.FileName, err = listfile.CheckFileName(to.FileName); err != nil {
			return preview, templateError("destination.bad_file_name", err)
		}
	}
	if preview.Content, err = listfile.Check(packaging.ListForm{Format: to.Format, Template: to.Template}); err != nil {
		return preview, templateError("destination.bad_template", err)
	}
	return preview, to.Check()
}

func templateError(key string, err error) error {
	var failure *packaging.DeliveryFailure
	if !errors.As(err, &failure) {
		return err
	}
	if failure.Fault != nil {
		return failure.Fault.FailTemplate(key)
	}
	return packaging.Fail(packaging.Invalid, key, "Detail", clean(failure.Detail))
}

// checkURL returns Invalid for what no webhook can be sent to.
func (d *Deliverer) checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil ||
		u.Fragment != "" {
		return packaging.Fail(packaging.Invalid, "destination.bad_url")
	}
	return d.checkHost(hostAndPort(u))
}

// hostAndPort returns where a URL leads, with the port of its scheme if it names none.
func hostAndPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// checkPublic returns Invalid for what is no address of this server, unless it is empty.
func checkPublic(address string) error {
	if address == "" {
		return nil
	}
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return packaging.Fail(packaging.Invalid, "destination.bad_public_url")
	}
	return nil
}

// checkHost returns Invalid for an address, host and port, that the server was not started with.
func (d *Deliverer) checkHost(address string) error {
	if !outbound.Listed(d.Hosts, address) {
		return packaging.Fail(packaging.Invalid, "destination.host_not_listed", "Host", address)
	}
	return nil
}

// withPort returns an address with its port, that of SSH if it has none.
func withPort(address string) string {
	if _, _, err := net.SplitHostPort(address); err == nil || address == "" {
		return address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), "22")
}
