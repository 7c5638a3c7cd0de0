package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// assets are the pages' files by the names under which they are served: a name
// holds a hash of the content, so that a browser may keep it.
var assets, assetNames = hashed("trueup.css", "trueup.js")

func hashed(names ...string) (content map[string][]byte, hashedAs map[string]string) {
	content, hashedAs = map[string][]byte{}, map[string]string{}
	for _, name := range names {
		text, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // it is part of the binary
		}
		sum := sha256.Sum256(text)
		ext := path.Ext(name)
		as := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		content[as], hashedAs[name] = text, "/assets/"+as
	}
	return content, hashedAs
}

// asset answers GET /assets/{name}.
func asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	text, ok := assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	kind := "text/css; charset=utf-8"
	if path.Ext(name) == ".js" {
		kind = "text/javascript; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Write(text)
}
