//! The comparison as one page of HTML that needs nothing else.

use std::fmt::Write as _;

use super::figures::Figure;
use super::table::{EXPLAINED, cells};
use super::{Act, plot};

const STYLE: &str = "body{font:14px/1.4 sans-serif;max-width:1180px;margin:2em auto;padding:0 1em;color:#222}\
                     table{border-collapse:collapse;margin:.5em 0}\
                     td,th{padding:.2em .7em;text-align:right;border-bottom:1px solid #ddd}\
                     td:first-child,th:first-child{text-align:left}\
                     .void{color:#b00}svg{max-width:100%;height:auto;display:block}summary{cursor:pointer}";

/// The page.
pub(crate) fn html(acts: &[Act], noise: Option<&str>) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Spillway: laboratory</title>\
         <style>{STYLE}</style>\n<h1>Laboratory</h1>\n"
    );
    let _ = writeln!(
        page,
        "<p>One shop, one crowd after the other, and somebody else before it each time: medians over the crowds, plots of the first. Shaded is the time of trouble.</p><ul>"
    );
    for line in EXPLAINED.iter().copied().chain(noise) {
        let _ = writeln!(page, "<li>{}</li>", escaped(line));
    }
    page.push_str("</ul>\n<p>");
    for act in acts {
        let _ = write!(page, "<a href=\"#{0}\">{0}</a> ", act.scenario);
    }
    page.push_str("</p>\n");
    acts.iter().for_each(|act| section(&mut page, act));
    page
}

fn section(page: &mut String, act: &Act) {
    let _ = writeln!(
        page,
        "<h2 id=\"{0}\">{0}</h2>\n<p>{1}. The shop is of the kind “{2}”; {3:.0} s.</p>",
        act.scenario,
        escaped(act.about),
        act.model,
        act.seconds,
    );
    page.push_str("<table><tr><th></th>");
    Figure::ALL.iter().for_each(|figure| {
        let _ = write!(page, "<th>{}</th>", figure.heading());
    });
    page.push_str("<th>runs</th></tr>\n");
    for entry in &act.entries {
        let _ = write!(page, "<tr><td>{}</td>", entry.name);
        match cells(entry) {
            Ok(cells) => cells.iter().for_each(|cell| {
                let _ = write!(page, "<td>{cell}</td>");
            }),
            Err(why) => {
                let _ = write!(page, "<td class=\"void\" colspan=\"{}\">{}</td>", Figure::ALL.len(), escaped(&why));
            }
        }
        let void = entry.runs.iter().filter(|run| run.void).count();
        let void = if void > 0 { format!(", <span class=\"void\">{void} void</span>") } else { String::new() };
        let _ = writeln!(page, "<td>{}{void}</td></tr>", entry.runs.len());
    }
    let _ = writeln!(page, "</table>\n{}\n{}", plot::goodput(act), plot::limits(act));
    for entry in act.entries.iter().filter(|entry| !entry.samples.is_empty()) {
        let _ = writeln!(page, "<details><summary>{}</summary>\n{}</details>", entry.name, plot::entry(act, entry));
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::scenario::catalogue;
    use crate::lab::subject::Subject;

    #[test]
    fn the_page_tells_who_was_left_out_and_why() {
        let cast = [(Subject::Nginx, Some("not <here>".to_owned())), (Subject::Haproxy, None)];
        let acts: Vec<Act> = catalogue().iter().map(|scenario| Act::with(scenario, &cast)).collect();
        let page = html(&acts, Some("busy"));
        assert!(page.contains("skipped: not &lt;here&gt;") && page.contains("not yet") && page.contains("busy"));
        assert!(catalogue().iter().all(|scenario| page.contains(&format!("id=\"{}\"", scenario.name))));
    }
}
