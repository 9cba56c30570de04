package workbook

// WriteSplit writes a workbook with at most perSheet rows on a sheet.
var WriteSplit = write
