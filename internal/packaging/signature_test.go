package packaging_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

func signedOrder() packaging.Order {
	return packaging.Order{
		Facts: packaging.Facts{
			Key: "Order143", Product: "Paracetamol", GTIN: "09506000134352", Lot: "ABC123", Expiry: "2028-12-31",
			Quantity: "10", ExtraPercent: "10",
		},
		Line: packaging.Line{ID: 1, Code: "L1", Name: "Blister line 1"}, Revision: 7,
	}
}

func TestTheDigestsOfARecordAndASignatureAreAsDocumented(t *testing.T) {
	record := sha256.Sum256([]byte("18:lineboard record 1,7:release,5:order,8:Order143,7:product,11:Paracetamol,4:gtin,14:09506000134352,3:lot,6:ABC123," +
		"6:expiry,10:2028-12-31,4:line,2:L1,9:line name,14:Blister line 1,8:quantity,2:10,16:extra percentage,2:10,16:serials expected,2:11,8:revision,1:7,"))
	if got := signedOrder().ReleaseRecord().Digest(); got != record {
		t.Errorf("record %x, want %x", got, record)
	}
	s := packaging.Signature{
		TenantID: 1, Kind: "release", Object: 5, Place: 1, Content: [32]byte{0: 0xab, 31: 0x01},
		By: packaging.Author{
			ID: 3, Username: "sofie", FullName: "Sofie Peeters", Role: "supervisor", Station: "Tablet 1",
		},
		Meaning: "I checked", At: time.UnixMilli(1_795_500_000_123), Factor: packaging.ByPIN,
	}
	want := sha256.Sum256([]byte("21:lineboard signature 1,1:1,7:release,1:5,64:ab00000000000000000000000000000000000000000000000000000000000001," +
		"1:1,1:3,5:sofie,13:Sofie Peeters,10:supervisor,8:Tablet 1,9:I checked,13:1795500000123,3:pin,"))
	if got := s.Digest(); got != want {
		t.Errorf("signature %x, want %x", got, want)
	}
}

func TestWhateverChangesInAnOrderChangesWhatIsSigned(t *testing.T) {
	was := signedOrder().ReleaseRecord().Digest()
	for name, change := range map[string]func(*packaging.Order){
		"order": func(o *packaging.Order) { o.Key += "x" }, "product": func(o *packaging.Order) { o.Product += "x" },
		"gtin": func(o *packaging.Order) { o.GTIN += "1" }, "lot": func(o *packaging.Order) { o.Lot += "x" },
		"expiry":              func(o *packaging.Order) { o.Expiry = "2029-12-31" },
		"line":                func(o *packaging.Order) { o.Line.Code = "L2" },
		"line name":           func(o *packaging.Order) { o.Line.Name += "x" },
		"quantity":            func(o *packaging.Order) { o.Quantity = "11" },
		"extra":               func(o *packaging.Order) { o.ExtraPercent = "11" },
		"revision":            func(o *packaging.Order) { o.Revision++ },
		"quantity as written": func(o *packaging.Order) { o.Quantity = "10.0" }, // as many serials
		"extra as written":    func(o *packaging.Order) { o.ExtraPercent = "10.0" },
		"from lot to product": func(o *packaging.Order) { o.Product, o.Lot = o.Product+"A", o.Lot[1:] },
	} {
		o := signedOrder()
		change(&o)
		if o.ReleaseRecord().Digest() == was {
			t.Errorf("%s is not in what is signed", name)
		}
	}
}

func TestTheSignaturesThatASiteWantsAreOfTheRightPeopleUnderTheRightRecord(t *testing.T) {
	by := packaging.Person{Author: packaging.Author{ID: 1}}
	record := signedOrder().ReleaseRecord()
	of := func(user packaging.UserID) packaging.Signature {
		return packaging.Signature{By: packaging.Author{ID: user}, Content: record.Digest()}
	}
	none, one, two := packaging.Rules{}, packaging.Rules{SignReleases: true}, packaging.Rules{
		SignReleases: true, SecondSigner: true,
	}
	type given = []packaging.Signature
	for name, test := range map[string]struct {
		rules   packaging.Rules
		given   given
		missing bool
	}{
		"none wanted":                {none, nil, false},
		"none wanted, one given":     {none, given{of(1)}, false},
		"one wanted":                 {one, given{of(1)}, false},
		"one wanted, none given":     {one, nil, true},
		"another person's":           {one, given{of(2)}, true},
		"under something else":       {one, given{{By: by.Author}}, true},
		"two wanted":                 {two, given{of(1), of(2)}, false},
		"two wanted, one given":      {two, given{of(1)}, true},
		"the same person twice":      {two, given{of(1), of(1)}, true},
		"the other first":            {two, given{of(2), of(1)}, true},
		"the second under something": {two, given{of(1), {By: packaging.Author{ID: 2}}}, true},
	} {
		if got := test.rules.SignaturesMissing(by, record, test.given); got != test.missing {
			t.Errorf("%s: missing %v", name, got)
		}
	}
}

func TestWhateverIsSaidOfASecondReleaseIsInWhatIsSigned(t *testing.T) {
	released := func() packaging.Order {
		o := signedOrder()
		o.Release = &packaging.Release{ID: 5, By: packaging.Author{Username: "sofie"}, Requested: time.UnixMilli(1)}
		return o
	}
	was := released().AgainRecord("lost").Digest()
	if released().ReleaseRecord().Digest() == was || released().AgainRecord("found").Digest() == was {
		t.Error("a second release is signed as the first one, or under any reason")
	}
	for name, change := range map[string]func(*packaging.Release){
		"release": func(r *packaging.Release) { r.ID++ }, "person": func(r *packaging.Release) { r.By.Username = "x" },
		"time":                  func(r *packaging.Release) { r.Requested = time.UnixMilli(2) },
		"number of the release": func(r *packaging.Release) { r.Round++ },
	} {
		o := released()
		change(o.Release)
		if o.AgainRecord("lost").Digest() == was {
			t.Errorf("the %s before is not in what is signed", name)
		}
	}
}

func TestSignaturesAreThoseThatTheRulesWant(t *testing.T) {
	record := signedOrder().ReleaseRecord()
	under := func(content packaging.Record, user, human packaging.UserID) packaging.Signature {
		return packaging.Signature{Content: content.Digest(), By: packaging.Author{ID: user}, Human: human}
	}
	other := signedOrder()
	other.Lot += "x"
	own, second := under(record, 1, 7), under(record, 2, 2)
	by := packaging.Person{Author: packaging.Author{ID: 1}, Human: 7}
	none, one := packaging.Rules{}, packaging.Rules{SignReleases: true}
	two := packaging.Rules{SignReleases: true, SecondSigner: true}
	for name, test := range map[string]struct {
		rules   packaging.Rules
		given   []packaging.Signature
		missing bool
	}{
		"none wanted":              {none, nil, false},
		"one":                      {one, []packaging.Signature{own}, false},
		"none of one":              {one, nil, true},
		"another person's":         {one, []packaging.Signature{second}, true},
		"under another record":     {one, []packaging.Signature{under(other.ReleaseRecord(), 1, 7)}, true},
		"two":                      {two, []packaging.Signature{own, second}, false},
		"one of two":               {two, []packaging.Signature{own}, true},
		"two in another order":     {two, []packaging.Signature{second, own}, true},
		"the same twice":           {two, []packaging.Signature{own, own}, true},
		"another account of them":  {two, []packaging.Signature{own, under(record, 3, 7)}, true},
		"the account of the human": {two, []packaging.Signature{own, under(record, 7, 0)}, true},
		"a second of another":      {two, []packaging.Signature{own, under(other.ReleaseRecord(), 2, 2)}, true},
	} {
		if got := test.rules.SignaturesMissing(by, record, test.given); got != test.missing {
			t.Errorf("%s: missing %t", name, got)
		}
	}
}
