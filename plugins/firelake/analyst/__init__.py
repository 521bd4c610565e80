"""For those who use the data: reports of a range of days, and files to work on."""
