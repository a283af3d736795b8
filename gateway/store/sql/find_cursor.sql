-- How far a consumer has acknowledged.
select seq from consumers where account = %(account)s and consumer = %(consumer)s
