package pages

import (
	"os"
	"testing"

	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
