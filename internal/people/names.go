package people

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

// slackUser begins how a history names somebody in Slack whom the file does not know.
const slackUser = "slack:"

// NameOwners says of exceptions what their owners are called.
func NameOwners(ctx context.Context, db *store.DB, file map[string]config.Person, all []contract.Exception) error {
	owners := make([]string, len(all))
	for i, x := range all {
		owners[i] = x.Owner
	}
	names, err := Names(ctx, db, file, owners)
	for i, x := range all {
		all[i].OwnerName = names[x.Owner]
	}
	return err
}

// Named knows the names of those who sign in; it is *store.DB.
type Named interface {
	PersonNames(ctx context.Context, emails []string) (map[string]string, error)
}

// Names returns what people are called whom a history or an owner names by an address,
// or by an id in Slack: whoever signs in by the name here, and else by the one that the
// file has. Both are one person where the address is the same.
func Names(ctx context.Context, db Named, file map[string]config.Person, whos []string) (contract.Names, error) {
	mails, bySlack := map[string]string{}, map[string]string{}
	for mail, p := range file {
		mails[Email(mail)] = mail
		if p.Slack != "" {
			bySlack[p.Slack] = mail
		}
	}
	address := map[string]string{} // of each
	for _, who := range whos {
		mail := who
		if id, ok := strings.CutPrefix(who, slackUser); ok {
			if _, inside, both := strings.Cut(id, " ("); both {
				id = strings.TrimSuffix(inside, ")")
			}
			mail = bySlack[id]
		}
		if strings.Contains(mail, "@") {
			address[who] = Email(mail)
		}
	}
	known, err := db.PersonNames(ctx, slices.Compact(slices.Sorted(maps.Values(address))))
	if err != nil {
		return nil, err
	}
	names := contract.Names{}
	for who, mail := range address {
		if name := cmp.Or(known[mail], file[mails[mail]].Name); name != "" {
			names[who] = name
		} else if strings.HasPrefix(who, slackUser) {
			names[who] = mail
		}
	}
	return names, nil
}
