package main

import "testing"

func TestPercentileIsByNearestRank(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[99-i] = i + 1
	}
	for _, test := range []struct {
		name   string
		values []int
		p      float64
		want   int
	}{
		{"of no values", nil, 50, 0},
		{"of one value", []int{7}, 99, 7},
		{"the middle of three in any order", []int{3, 1, 2}, 50, 2},
		{"the lower middle of four", []int{1, 2, 3, 4}, 50, 2},
		{"the 99th of a hundred", hundred, 99, 99},
		{"the least", hundred, 0, 1},
		{"the most", hundred, 100, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := percentile(test.values, test.p); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestMedianLeavesItsValuesInPlace(t *testing.T) {
	for _, test := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"of no values", nil, 0},
		{"of one value", []float64{4}, 4},
		{"of an odd number", []float64{9, 1, 5}, 5},
		{"of an even number", []float64{4, 1, 3, 2}, 2.5},
	} {
		t.Run(test.name, func(t *testing.T) {
			first := append([]float64{}, test.values...)
			if got := median(test.values); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
			for i := range first {
				if test.values[i] != first[i] {
					t.Errorf("the values are sorted in place: %v", test.values)
				}
			}
		})
	}
}

func TestDifferencesAreOfTheSameTurn(t *testing.T) {
	got := differences([]float64{5, 7, 9}, []float64{1, 2})
	if len(got) != 2 || got[0] != 4 || got[1] != 5 {
		t.Errorf("got %v, want [4 5]", got)
	}
}

func TestFiguresHaveThreeDigits(t *testing.T) {
	for _, test := range []struct {
		value figure
		want  string
	}{
		{figure{0.02714, "ms"}, "0.0271 ms"},
		{figure{3.14159, "ms"}, "3.14 ms"},
		{figure{931.4, "ms"}, "931 ms"},
		{figure{3071.6, "ms"}, "3,072 ms"},
		{figure{17094.2, "/s"}, "17,094 /s"},
		{figure{1234567, ""}, "1,234,567"},
		{figure{0, "ms"}, "0 ms"},
		{figure{-0.5, "ms"}, "-0.500 ms"},
	} {
		if got := test.value.String(); got != test.want {
			t.Errorf("%v: got %q, want %q", test.value.value, got, test.want)
		}
	}
}
