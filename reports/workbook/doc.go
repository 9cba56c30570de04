// Package workbook renders a view as an Excel workbook (Office Open XML, ECMA-376) for people who work with money and
// for those who check them: a cover that says what the figures rest on, a summary, the positions, one row per verdict,
// the actions, and a control sheet on which every total is added up again by a live formula over the other sheets.
//
// docs/formats/workbook.md describes the sheets. The same view gives the same bytes.
package workbook
