package setup

import "testing"

func TestTheDatabaseIsBesideTheFileOrWhereSystemdKeepsState(t *testing.T) {
	for name, c := range map[string]struct{ folders, want string }{
		"started by hand":                  {"", "trueup.db"},
		"started by systemd":               {"/var/lib/trueup", "/var/lib/trueup/trueup.db"},
		"started with a second folder too": {"/var/lib/trueup:/var/lib/other", "/var/lib/trueup/trueup.db"},
	} {
		t.Run(name, func(t *testing.T) {
			env := func(key string) (string, bool) { return c.folders, key == "STATE_DIRECTORY" && c.folders != "" }
			if got := DatabaseOf(env); got != c.want {
				t.Errorf("it is %s, want %s", got, c.want)
			}
		})
	}
}
