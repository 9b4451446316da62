//! The 22 queries, as files under `queries/tpch/`, and which of their result columns they order by.

/// One query. `order_by` holds the positions of the result columns that the query orders by, most significant first;
/// rows that agree in all of them may come in any order.
pub struct Query {
    pub name: &'static str,
    pub sql: &'static str,
    pub order_by: &'static [usize],
}

macro_rules! query {
    ($name:literal, $file:literal, $order_by:expr) => {
        Query {
            name: $name,
            sql: include_str!(concat!("../../queries/tpch/", $file)),
            order_by: &$order_by,
        }
    };
}

/// Q1 to Q22.
pub const QUERIES: [Query; 22] = [
    query!("Q1", "q01.sql", [0, 1]),
    query!("Q2", "q02.sql", [0, 2, 1, 3]),
    query!("Q3", "q03.sql", [1, 2]),
    query!("Q4", "q04.sql", [0]),
    query!("Q5", "q05.sql", [1]),
    query!("Q6", "q06.sql", []),
    query!("Q7", "q07.sql", [0, 1, 2]),
    query!("Q8", "q08.sql", [0]),
    query!("Q9", "q09.sql", [0, 1]),
    query!("Q10", "q10.sql", [2]),
    query!("Q11", "q11.sql", [1]),
    query!("Q12", "q12.sql", [0]),
    query!("Q13", "q13.sql", [1, 0]),
    query!("Q14", "q14.sql", []),
    query!("Q15", "q15.sql", [0]),
    query!("Q16", "q16.sql", [3, 0, 1, 2]),
    query!("Q17", "q17.sql", []),
    query!("Q18", "q18.sql", [4, 3]),
    query!("Q19", "q19.sql", []),
    query!("Q20", "q20.sql", [0]),
    query!("Q21", "q21.sql", [1, 0]),
    query!("Q22", "q22.sql", [0]),
];
