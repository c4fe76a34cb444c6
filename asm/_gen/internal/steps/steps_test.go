package steps

import "testing"

// write returns the letters that the steps of a list write.
func write(merge func(list func(letters string) List) List) string {
	var out []rune
	list := func(letters string) List {
		var l List
		for _, c := range letters {
			l = append(l, func() { out = append(out, c) })
		}
		return l
	}
	Emit(merge(list))
	return string(out)
}

func TestMix(t *testing.T) {
	for _, c := range []struct {
		lists []string
		want  string
	}{
		{nil, ""},
		{[]string{"abc"}, "abc"},
		{[]string{"abc", ""}, "abc"},
		{[]string{"abcd", "12"}, "a1bc2d"},
		{[]string{"12", "abcd"}, "1ab2cd"},
		{[]string{"abc", "123", "x"}, "a1xb2c3"},
	} {
		got := write(func(list func(string) List) List {
			var lists []List
			for _, l := range c.lists {
				lists = append(lists, list(l))
			}
			return Mix(lists...)
		})
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.lists, got, c.want)
		}
	}
}

func TestAlternate(t *testing.T) {
	got := write(func(list func(string) List) List { return Alternate(2, list("abcde"), list("123456789")) })
	if want := "ab12cd34e56789"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
