//! Reads single figures from a page of metrics in Prometheus' text format.

/// The sum of all series of `name`; `None` if there is none.
#[must_use]
pub fn sum(page: &str, name: &str) -> Option<f64> {
    page.lines().filter_map(|line| value(line, name)).reduce(|sum, value| sum + value)
}

fn value(line: &str, name: &str) -> Option<f64> {
    let rest = line.strip_prefix(name)?;
    let value = match rest.strip_prefix('{') {
        // Label values may contain anything but the value comes last.
        Some(labelled) => labelled.rsplit_once("} ")?.1,
        None => rest.strip_prefix(' ')?,
    };
    value.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HELP seats Seats.\n# TYPE seats gauge\nseats{class=\"a\"} 3\nseats{class=\"b} 9\"} 4\n\
                        seats_limit 40\nseats_limit_total 1\n";

    #[test]
    fn series_are_added_and_other_names_are_not() {
        assert_eq!(sum(PAGE, "seats"), Some(7.0));
        assert_eq!(sum(PAGE, "seats_limit"), Some(40.0));
        assert_eq!(sum(PAGE, "seat"), None);
    }
}
