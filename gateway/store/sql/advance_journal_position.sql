-- A journal has been written up to here; never back.
update journal_positions set upto = %(upto)s, mark = %(mark)s, written_at = now()
where journal = %(journal)s and upto < %(upto)s
