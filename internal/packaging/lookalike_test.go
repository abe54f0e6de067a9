package packaging_test

import (
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
		"": false,
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
	} {
		if packaging.LooksLike(pair[0], pair[1]) || packaging.LooksLike(pair[1], pair[0]) {
			t.Errorf("%q looks like %q", pair[0], pair[1])
		}
	}
}
