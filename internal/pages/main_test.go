package pages

import (
	"os"
	"testing"

	"trueup/internal/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
