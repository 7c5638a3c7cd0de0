package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/sqltable"
)

func exportSQLCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sql",
		Short: "Print the SQL that gives a connection of type sql its privileges",
		Long: `Print the SQL that an administrator of the database runs once: a user, the least
privileges that the connection needs as the syncs use it and, if the connection has a
change_table, that table with the triggers that fill it. Nothing is run, and the output
contains no secret.`,
		Example: `  trueup export sql --connection crm
  trueup export sql --connection crm --role trueup | psql app`,
		Args: cobra.NoArgs,
		RunE: exportSQL,
	}
	cmd.Flags().String("connection", "", "the `CONNECTION` of type sql, if the file has several")
	cmd.Flags().String("role", "trueup", "the `USER` of the database that Trueup connects as")
	return cmd
}

func exportSQL(cmd *cobra.Command, _ []string) error {
	name, err := cmd.Flags().GetString("connection")
	if err != nil {
		return err
	}
	role, err := cmd.Flags().GetString("role")
	if err != nil {
		return err
	}
	if role == "" {
		return usage("see trueup export sql --help", "--role is empty")
	}
	cfg, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	if name, err = sqlConnection(cfg, name); err != nil {
		return err
	}
	source, target := false, false
	for _, s := range cfg.Syncs {
		source = source || s.Source.Connection == name
		target = target || s.Target.Connection == name
	}
	text, err := sqltable.Export(cfg.Connections[name], role, source, target)
	if err != nil {
		return usage("fix trueup.yaml", "%w", err)
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), text)
	return err
}

// sqlConnection is the connection that is meant: the named one, or the only one.
func sqlConnection(cfg *config.Config, name string) (string, error) {
	var all []string
	for _, one := range slices.Sorted(maps.Keys(cfg.Connections)) {
		if cfg.Connections[one].Type == sqltable.Type {
			all = append(all, one)
		}
	}
	switch {
	case len(all) == 0:
		return "", usage("docs/connectors/sql.md shows one", "%s has no connection of type sql", cfg.Path)
	case name == "" && len(all) == 1:
		return all[0], nil
	case name == "":
		return "", usage("name one with --connection", "there are several connections of type sql: %s", strings.Join(all, ", "))
	case !slices.Contains(all, name):
		return "", usage("the connections of type sql are "+strings.Join(all, ", "), "no connection %s of type sql", name)
	}
	return name, nil
}
