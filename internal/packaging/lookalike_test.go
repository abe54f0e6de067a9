package packaging_test

import (
	"slices"
	"testing"

	"lineboard/internal/packaging"
)

func TestLettersThatPassForOthersAreFound(t *testing.T) {
	for text, want := range map[string]string{
		"Order143":                      "",
		"Jürgen Kjær Şahin Łukasz Đặng": "",
		"Анна Щукина":                   "",
		"Ольга Ρωμαίος":                 "",
		"株式会社ABC":                       "",
		"nº 5 ½ m²":                     "",
		"ıstanbul":                      "",
		"ѕupervisor1":                   "ѕ",
		"Оrder143":                      "О",
		"Οrder143":                      "Ο",
		"ѕсоре":                         "ѕсоре", // of one script, and all of it
		"ⅾone":                          "ⅾ",
		"ｓupervisor":                    "ｓ",
		"𝐬upervisor":                    "𝐬",
		"ɑdmin":                         "ɑ",
		"Order١":                        "١",
	} {
		found := packaging.LookAlikes(text)
		for _, r := range want {
			if !found[r] {
				t.Errorf("%q: %q passes", text, r)
			}
		}
		for r := range found {
			if want == "" {
				t.Errorf("%q: %q is found", text, r)
			}
		}
	}
}

func TestAUsernameHasLettersOfOneScriptThatPassForNoOthers(t *testing.T) {
	for username, fits := range map[string]bool{
		"supervisor1": true, "jürgen": true, "щукина": true, "ρωμαίος": true, "山田たろう": true, "김철수": true,
		"ѕupervisor1": false, "админ1x": false, "ѕсоре": false, "ｓupervisor": false, "ɑdmin": false, "x y": false,
		"annaжд": false, // none of these letters passes for another
		"":       false,
	} {
		if err := packaging.CheckUsername(username); (err == nil) != fits {
			t.Errorf("%q: %v", username, err)
		}
	}
}

func TestNamesThatCanBeTakenForEachOtherLookAlike(t *testing.T) {
	for _, pair := range [][2]string{
		{"scope", "ѕсоре"},
		{"user1", "userl"},
		{"user0", "userO"},
		{"modern", "modem"},
		{"Anna", "ANNA"},
		{"paypal", "раураl"},
		{"I1", "l1"},
		{"BLISTER LINE I", "Blister line 1"},
		{"TABLET l0", "Tablet IO"},
		{"Bob", "ВОВ"},
		{"hans", "ΗANS"},
		{"Линия б", "Линия 6"},
		{"Line ١", "Line 1"},
		{"Line І", "Line I"}, // Ukrainian
		{"Line m", "Line rn"},
		{"MILL", "mill"},
		{"Blister  line 1", "Blister line 1"},
		{" Blister line 1\u2800", "Blister\u00a0line 1"},
		{"Blister\U0001d159line 1", "Blisterline 1"},
		{"Töltő 1", "To\u0308lto\u030b 1"},
		{"Line 1", "Li\u0307ne 1"},
		{"Line 1", "L\u0131\u0307ne 1"},
		{"L1", "L\u200a1"},
		{"L1", "L\u202f1"},
		{"L 1", "L\u202f1"},
		{"νικος", "ΝΙΚΟΣ"},
		{"νικος", "νικοσ"},
		{"STRAẞE", "straße"},
		{"LİNE", "line"},
		{"محمد", "محـمد"},
		{"קו1", "1קו"},
		{"קו 1", "1 קו"},
		{"A קו 1", "A 1 קו"},
		{"A خط 1-2", "A 1-2 خط"},
	} {
		if !packaging.LooksLike(pair[0], pair[1]) || !packaging.LooksLike(pair[1], pair[0]) {
			t.Errorf("%q and %q", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{
		{"operator1", "operator2"},
		{"anna", "hanna"},
		{"müller", "muller"},
		{"Line 1L", "Line 11"},
		{"Line 1R", "Line 1L"},
		{"Line 2L", "Line 21"},
		{"L1", "LL"},
		{"Line L", "Line 1"},
		{"Линия Б", "Линия 6"},
		{"Töltő 1", "Toltó 1"},
		{"Line 1", "Line 10"},
		{"Line", "Line m"},
		{"包装線一", "包装線二"},
		{"خط ١", "خط ٢"},
		{"Γραμμή 1", "Γραμμή 2"},
		{"Γραμμή Α", "Γραμμή Δ"},
		{"Ligne 1 bis", "Ligne 1 ter"},
		{"Línea ñ", "Línea n"},
		{"Straße 1", "Strasse 1"},
		{"Köröm", "Kőröm"},
		{"קו 1 תא 2", "קו 2 תא 1"},
		{"קו 12", "קו 21"},
		{"קו א", "קו ב"},
		{"خط 1 أ", "خط 2 أ"},
		{"خط ١ قسم ٢", "خط ٢ قسم ١"},
		{"Линия 1", "Линия 2"},
		{"1号线", "2号线"},
		{"ライン一", "ライン二"},
		{"I\u0301ne", "Ine"},
	} {
		if packaging.LooksLike(pair[0], pair[1]) || packaging.LooksLike(pair[1], pair[0]) {
			t.Errorf("%q looks like %q", pair[0], pair[1])
		}
	}
}

// A name of a provider counts as what it becomes here, however a domain or what nobody sees stands around it.
func TestNamesOfAProviderAreThoseOfTheUsernamesThatTheyBecome(t *testing.T) {
	for _, like := range []packaging.Identity{
		{Username: "supall @x"},
		{Username: "supall @x\\y"},
		{Username: "supall@x\\y"},
		{Username: "CORP/supall"},
		{Username: "CORP\u2215supall"},
		{Username: "corp\uff3csupall"},
		{Username: "x/corp\\ supall"},
		{Username: "supall\u2800"},
		{Username: " \u200b supall"},
		{Username: "supall\\"},
		{Username: "supall\uff20x"},
		{Username: "supall\u200b@\u200bx"},
		{Username: "supall#EXT#@x"},
		{Username: "supall_plant.example#ext#@tenant.example"},
		{Username: "supall_plant.example\uff03EXT\uff03@tenant.example"},
		{Username: "sup all"},
		{Username: "_supall"},
		{Email: "supall @plant.example"},
		{FullName: "Sup all"},
		{Username: "\u200b", FullName: "SUPALL"},
		{Subject: "CORP/supall"},
		{Subject: "CORP/SU\u03a1ALL"}, // with a Greek capital letter
	} {
		if !packaging.NamesOf(like.Names()...).Has("supall") {
			t.Errorf("%q are not the names of supall", like.Names())
		}
		if !slices.ContainsFunc(like.Names(), packaging.NamesOf("supall@x").Has) {
			t.Errorf("supall@x has none of the names %q", like.Names())
		}
	}
	for _, other := range []packaging.Identity{
		{},
		{Username: "supall2"},
		{Username: "supall/otto"},
		{Username: "otto@supall"},
		{Username: "otto_supall.example#EXT#@supall"},
		{Subject: "4711", FullName: "\u2800"},
	} {
		if names := packaging.NamesOf(other.Names()...); names.Has("supall") || names.Has("person") {
			t.Errorf("%q are names of another one", other.Names())
		}
	}
	guest := packaging.NamesOf("anna_nagy_plant.example#EXT#@tenant.example")
	if !guest.Has("anna_nagy") || packaging.NamesOf("anna_nagy#EXT#@tenant.example").Has("otto") {
		t.Errorf("a guest has the names %v", guest)
	}
}
