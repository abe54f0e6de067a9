package gs1

import (
	"slices"
	"strings"

	"lineboard/internal/packaging"
)

// Undone says what was undone to read a scan.
type Undone struct {
	CapsLock        bool
	Device, Scanner Layout // if they differ, the scanner types as on one keyboard and the device has another
	Separators      bool   // separators that were spelled in characters that a field may hold
}

// Any reports whether anything was undone.
func (u Undone) Any() bool { return u != Undone{} }

func (u Undone) changesLayout() bool { return u.Device != u.Scanner }

// steps returns how many things were undone.
func (u Undone) steps() (n int) {
	for _, undone := range []bool{u.CapsLock, u.changesLayout(), u.Separators} {
		if undone {
			n++
		}
	}
	return n
}

// undoneText is a text that a scan may have been before a keyboard changed it.
type undoneText struct {
	text   string
	undone Undone
	// mark returns what a digit was if a key beside the keypad wrote it; nil if that is no question.
	mark func(digit rune) string
}

// marked returns a serial number whose digits a keyboard made of punctuation, while a keypad wrote all other digits of
// the scan. It stands for all that have some of these.
func (u undoneText) marked(serial string) string {
	var all strings.Builder
	for _, character := range serial {
		written := string(character)
		if u.mark != nil && character >= '0' && character <= '9' {
			if mark := u.mark(character); mark != "" && packaging.InCSET82(mark) {
				written = mark
			}
		}
		all.WriteString(written)
	}
	return all.String()
}

// undoKeyboard returns each text that a scan may have been, those first of which less was undone. The first is the scan
// as it came.
func (s Scan) undoKeyboard(keys seen) []undoneText {
	all := []undoneText{{text: s.Text}}
	add := func(one undoneText) {
		isSame := func(u undoneText) bool { return u.text == one.text && u.undone == one.undone }
		if one.mark != nil || one.text != s.Text && !slices.ContainsFunc(all, isSame) {
			all = append(all, one)
		}
	}
	letters := swapCase(s.Text)
	if s.CapsLock != Off && (keys.device == Unseen || keys.device == Other) {
		add(undoneText{text: letters, undone: Undone{CapsLock: true}})
	}
	if keys.device == Unseen {
		s.undoLayouts(letters, add)
	} else {
		s.undoKeys(keys, add)
	}
	slices.SortStableFunc(all[1:], func(a, b undoneText) int { return a.undone.steps() - b.undone.steps() })
	return all
}

// undoKeys adds what the keys write on each keyboard.
func (s Scan) undoKeys(keys seen, add func(undoneText)) {
	if len(keys.strokes) == 0 {
		return
	}
	for _, scanner := range Layouts {
		undone := Undone{CapsLock: keys.lock != noLock || keys.device == Other && s.CapsLock == On}
		switch {
		case keys.device == Other:
			undone.Scanner = scanner
		case scanner != keys.device:
			undone.Device, undone.Scanner = keys.device, scanner
		}
		text := strings.TrimFunc(keyboards[scanner].text(keys.strokes, noLock), frames)
		add(undoneText{text: text, undone: undone})
	}
}

// undoLayouts adds what a scanner of one layout typed on a device of another, with Caps Lock or without. Either has the
// US layout: one of the two was set up, and the other was not. Caps Lock turns letters over, or locks Shift.
//
// Czech and Slovak keyboards have Shift for digits, and letters in their places. Of a text that no keyboard needs to
// have written, only what changes all digits is undone for them.
func (s Scan) undoLayouts(letters string, add func(undoneText)) {
	for _, layout := range Layouts[1:] {
		toUS, fromUS := Undone{Device: layout, Scanner: US}, Undone{Device: US, Scanner: layout}
		if !s.Typed && (layout == Czech || layout == Slovak) {
			add(change{toUS, s.Text, noLock}.undo(false, false))
			continue
		}
		all := []change{{toUS, s.Text, noLock}, {fromUS, s.Text, noLock}}
		if s.CapsLock != Off {
			toUS.CapsLock, fromUS.CapsLock = true, true
			all = append(all, change{toUS, letters, noLock}, change{toUS, s.Text, shiftLock})
			if s.Typed {
				all = append(all, change{Undone{CapsLock: true, Device: layout, Scanner: layout}, s.Text, shiftLock})
			}
			all = append(all, change{fromUS, letters, noLock})
		}
		for _, keypad := range []bool{false, true} {
			for _, c := range all {
				add(c.undo(keypad, s.Typed))
			}
		}
	}
}

// change is what a keyboard may have done to a text.
type change struct {
	undone Undone
	text   string
	lock   lock
}

// undo returns the text before the change. Where a keypad wrote digits, others may have been written by other keys.
func (c change) undo(digitsByKeypad, isTyped bool) undoneText {
	device, scanner := keyboards[c.undone.Device], keyboards[c.undone.Scanner]
	before := undoneText{text: scanner.text(device.keys(c.text, digitsByKeypad), c.lock), undone: c.undone}
	if !before.undone.changesLayout() {
		before.undone.Device, before.undone.Scanner = "", ""
	}
	if digitsByKeypad && isTyped {
		before.mark = func(digit rune) string { return scanner.text(device.keys(string(digit), false), c.lock) }
	}
	return before
}
