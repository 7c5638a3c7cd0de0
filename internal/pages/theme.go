package pages

import (
	"net/http"

	"github.com/trueup-sync/trueup/internal/people"
)

// themeCookie holds light or dark; a browser's script sets it as well.
const themeCookie = "trueup-theme"

func themeRoutes() []route {
	return []route{{http.MethodPost, "/theme", open, switchTheme}}
}

// theme is what a visitor has chosen, "" for the browser's own.
func theme(r *http.Request) string {
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "light" || c.Value == "dark") {
		return c.Value
	}
	return ""
}

// switchTheme turns light into dark and dark into light.
func switchTheme(v *visit) (answer, error) {
	to := "dark"
	if theme(v.Request) == to {
		to = "light"
	}
	http.SetCookie(v.w, &http.Cookie{Name: themeCookie, Value: to, Path: "/", MaxAge: 365 * 24 * 3600, Secure: !people.Here(v.Request), SameSite: http.SameSiteLaxMode}) // #nosec G124 -- a script reads it; it holds no secret
	return answer{To: local(v.PostFormValue("back"))}, nil
}
