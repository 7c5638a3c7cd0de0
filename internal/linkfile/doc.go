// Package linkfile reads links from a CSV file as people have one: with any names of
// columns, with commas, semicolons or tabs, in UTF-8 or UTF-16.
//
// Main types: Names (what the columns are called), Columns (which column is which) and
// Row (one link, with its line). Read does all of it.
//
// Invariants: an id stays the text that it is, with its leading zeros; no column is
// guessed where two would fit; every line that cannot be used is told, with its number;
// nobody is in two rows.
//
// It opens neither the database nor a tool.
package linkfile
