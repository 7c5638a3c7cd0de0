package linkfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"
)

func tools(string) Tools {
	return Tools{Source: []string{"billing", "stripe"}, Target: []string{"crm", "http"}}
}

func utf16(t *testing.T, text string, order unicode.Endianness, mark unicode.BOMPolicy) string {
	t.Helper()
	out, err := unicode.UTF16(order, mark).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAFileIsReadAsPeopleHaveIt(t *testing.T) {
	const plain = "customer,target_id\ncus_1,0042\ncus_2,r2\n"
	want := []Row{{2, "s", "cus_1", "0042"}, {3, "s", "cus_2", "r2"}}
	for _, c := range []struct{ name, text, columns string }{
		{"as Trueup exports it", plain, ""},
		{"with a mark before it", "\ufeff" + plain, ""},
		{"with semicolons", strings.ReplaceAll(plain, ",", ";"), ""},
		{"with tabs", strings.ReplaceAll(plain, ",", "\t"), ""},
		{"with quotes and Windows lines", "\"customer\",\"target_id\"\r\n\"cus_1\",\"0042\"\r\n\"cus_2\",\"r2\"\r\n", ""},
		{"with lines of an old Mac", strings.ReplaceAll(plain, "\n", "\r"), ""},
		{"as UTF-16, little end first", utf16(t, plain, unicode.LittleEndian, unicode.UseBOM), ""},
		{"as UTF-16, big end first", utf16(t, plain, unicode.BigEndian, unicode.UseBOM), ""},
		{"as UTF-16 without a mark", utf16(t, plain, unicode.LittleEndian, unicode.IgnoreBOM), ""},
		{"with a separator in a line of its own", "customer;target_id\ncus_1;0042\ncus_2;r2\n", ""},
		{"with spaces around the ids, and no line at the end", "customer , target_id\n cus_1\u00a0,\u200b0042\ncus_2,r2 ", ""},
		{"with columns in another order, and more of them", "Name;CRM record id;Note;Stripe ID\nAna;0042;\"a;b\";cus_1\nBen;r2;;cus_2\n", ""},
		{"with columns that only a person can name", "a,\"b, c\"\ncus_1,0042\ncus_2,r2\n", "source=a,target=b, c"},
		{"with columns named in another case", "A,B\ncus_1,0042\ncus_2,r2\n", "target=b,source=a"},
		{"with two columns, of which one is plain", "Stripe customer,Their number\ncus_1,0042\ncus_2,r2\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			names, err := ParseNames(c.columns)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Read([]byte(c.text), names, tools, "s")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.Rows); diff != "" || len(got.Invalid)+len(got.Double) > 0 {
				t.Errorf("(-want +got)\n%s%v%v", diff, got.Invalid, got.Double)
			}
		})
	}
}

func TestALineOfItsOwnSaysTheSeparator(t *testing.T) {
	got, err := Read([]byte("sep=;\r\ncustomer;target_id\r\ncus_1;r,1\r\n"), Names{}, tools, "s")
	if err != nil || len(got.Rows) != 1 || got.Rows[0] != (Row{3, "s", "cus_1", "r,1"}) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestALineThatCannotBeUsedIsNamed(t *testing.T) {
	got, err := Read([]byte("sync,customer,target_id\ns,cus_1,r1\n,,\ns,,r2\ns,cus_3,1.23E+15\ns,cus_4\ns,cus_1,r5\ns,cus_6,r1\ns,cus_1,r1\nother,cus_1,r1\n"), Names{}, tools, "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Row{{2, "s", "cus_1", "r1"}, {10, "other", "cus_1", "r1"}}, got.Rows); diff != "" {
		t.Error(diff)
	}
	if s := fmt.Sprint(got.Invalid); s != "[line 4: customer must not be empty line 5: target_id is 1.23E+15, a number that a spreadsheet has shortened; format the column as text and export it again line 6: target_id must not be empty]" {
		t.Error(s)
	}
	if s := fmt.Sprint(got.Double); s != "[line 7: customer cus_1 is already in line 2, with another record line 8: record r1 is already in line 2, of customer cus_1]" {
		t.Error(s)
	}
	if got.Repeats != 1 {
		t.Error("repeats:", got.Repeats)
	}
}

func TestAFileThatIsNotClearIsRefused(t *testing.T) {
	for _, c := range []struct{ name, text, columns, want string }{
		{"an empty one", "", "", "the file is empty"},
		{"two columns that could be either", "id,other id\n1,2\n", "", `which column holds the source's id and which the target's is not clear; the columns are "id", "other id"`},
		{"two columns of the source", "stripe id,billing id,crm id\n1,2,3\n", "", "is not clear"},
		{"a column that is not there", "a,b\n1,2\n", "source=c,target=b", `there is no column "c"; the columns are "a", "b"`},
		{"two columns of one name", "a,a,b\n1,2,3\n", "source=a,target=b", `2 columns are called "a"`},
		{"one column for both", "a,b\n1,2\n", "source=a,target=a", `one column cannot be two: "a"`},
		{"another encoding", "customer,target_id\ncus_1,r\xe9\n", "", `line 2: it is neither UTF-8 nor UTF-16`},
		{"a spreadsheet itself", "PK\x03\x04\x00\x00\x00", "", "it is no text"},
		{"a file without syncs", "customer,target_id\n1,2\n", "", "several syncs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			names, err := ParseNames(c.columns)
			if err != nil {
				t.Fatal(err)
			}
			sync := "s"
			if strings.Contains(c.want, "several") {
				sync = ""
			}
			if _, err := Read([]byte(c.text), names, tools, sync); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := ParseNames("customer=a"); err == nil {
		t.Error("an unknown key is accepted")
	}
}

// FuzzRead reads any file. What is read holds no one twice, and no empty id.
func FuzzRead(f *testing.F) {
	f.Add([]byte("customer;target_id\ncus_1;\"r;1\"\n"))
	f.Add([]byte("\xff\xfec\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := Read(raw, Names{}, tools, "s")
		if err != nil {
			return
		}
		customers, records := map[string]bool{}, map[string]bool{}
		for _, r := range got.Rows {
			if r.Customer == "" || r.Target == "" || customers[r.Sync+"\x00"+r.Customer] || records[r.Sync+"\x00"+r.Target] {
				t.Errorf("%+v", r)
			}
			customers[r.Sync+"\x00"+r.Customer], records[r.Sync+"\x00"+r.Target] = true, true
		}
	})
}
