package main

import "testing"

func TestALineEndsWhereTheScreenDoes(t *testing.T) {
	const text = "NUMBER  REASON\n3       größer als das\n"
	for width, want := range map[int]string{
		0:  text, // no screen
		14: "NUMBER  REASON\n3       größe…\n",
		80: text,
	} {
		if got := fit(text, width); got != want {
			t.Errorf("%d characters: %q", width, got)
		}
	}
}
