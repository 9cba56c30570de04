// Package reports renders what a run decided. There is one view model, [View], made from a plan, the run that made it and
// the outcomes known so far; JSON, CSV, text, the workbook, the column file and the dashboard are renderings of it, so
// they cannot disagree.
//
// Rows are rendered one at a time into one reused [Row]: a plan of a million rows never exists a second time as text.
// Nothing here reads the clock, a file or the network.
package reports
