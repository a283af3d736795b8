-- How far a journal has been written.
select upto, mark from journal_positions where journal = %(journal)s
