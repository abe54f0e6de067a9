package outbound

import (
	"errors"
	"net"
	"testing"
)

func TestANameLeadsToNoPrivateAddress(t *testing.T) {
	for address, want := range map[string]error{
		"203.0.113.9:443":              nil,
		"100.64.0.1:443":               ErrPrivate,
		"100.127.255.254:443":          ErrPrivate,
		"100.128.0.1:443":              nil,
		"0.1.2.3:443":                  ErrPrivate,
		"198.18.0.1:443":               ErrPrivate,
		"[64:ff9b::a01:203]:443":       ErrPrivate, // 10.1.2.3 by NAT64
		"[64:ff9b::7f00:1]:443":        ErrPrivate,
		"[64:ff9b::cb00:7109]:443":     nil,        // 203.0.113.9 by NAT64
		"[64:ff9b:1::a01:203]:443":     ErrPrivate, // by a plant's own
		"[64:ff9b:1:7::cb00:7109]:443": nil,
		"[64:ff9b:1:a01:2:300::]:443":  ErrPrivate, // where the address stands elsewhere, it can't be told
		"[::a01:203]:443":              ErrPrivate,
		"[::ffff:0:a01:203]:443":       ErrPrivate,
		"[fec0::1]:443":                ErrPrivate,
		"[2002:7f00:1::1]:443":         ErrPrivate,
		"[2002:cb00:7109::1]:443":      nil,
		"[2001:db8::9]:443":            nil,
		"127.0.0.1:443":                ErrPrivate,
		"10.1.2.3:443":                 ErrPrivate,
		"172.20.0.1:443":               ErrPrivate,
		"192.168.1.1:443":              ErrPrivate,
		"169.254.169.254:80":           ErrPrivate,
		"0.0.0.0:443":                  ErrPrivate,
		"[::1]:443":                    ErrPrivate,
		"[fd00::1]:443":                ErrPrivate,
		"[fe80::1%eth0]:443":           ErrPrivate,
		"[::ffff:10.1.2.3]:443":        ErrPrivate,
	} {
		if got := checkPublic(address); !errors.Is(got, want) {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}

func TestAnAddressThatIsWrittenDownMayBePrivate(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	conn, err := Dialer([]string{"127.0.0.1"}, nil)(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func TestNamesAreGuardedUnlessTheyAreExempt(t *testing.T) {
	hosts, exempt := []string{
		"api.example", "exämple.example", "grün.example", "login.plant.example", "10.0.0.5", "localhost",
	}, []string{"Login.Plant.Example", "grün.example"}
	for host, want := range map[string]bool{
		"api.example":            true,
		"api.example.":           true,
		"xn--exmple-cua.example": true, // as it is dialled
		"exämple.example":        true,
		"EXÄMPLE.example":        true,
		"xn--grn-hoa.example":    false,
		"API.example":            true,
		"login.plant.example":    false,
		"10.0.0.5":               false,
		"localhost":              false,
		"proxy.example":          false, // the proxy that the operator has set
	} {
		if got := isGuarded(host, hosts, exempt); got != want {
			t.Errorf("%s: guarded %t, want %t", host, got, want)
		}
	}
}

func TestOnlyListedHostsAreReached(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	address := listener.Addr().String()
	for _, hosts := range [][]string{{"127.0.0.1"}, {address}} {
		conn, err := Only(hosts)(t.Context(), "tcp", address)
		if err != nil {
			t.Fatalf("%v: %v", hosts, err)
		}
		_ = conn.Close()
	}
	for _, hosts := range [][]string{nil, {"127.0.0.2"}, {"127.0.0.1:1"}, {"localhost"}} {
		if _, err := Only(hosts)(t.Context(), "tcp", address); !errors.Is(err, ErrNotListed) {
			t.Errorf("%v: %v", hosts, err)
		}
	}
	for address, want := range map[string]bool{
		"Hooks.Example:443": true, "hooks.example.:443": true, "hooks.example.org:443": false, "[fd00::1]:22": true,
		"[fd00::2]:22": false,
	} {
		if got := Listed([]string{"hooks.example", "[fd00::1]:22"}, address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}
