//! One panel of a plot: seconds to the right, something upwards, lines and bands with their names.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::element::{Polygon, Rectangle, Text};
use plotters::prelude::{Cartesian2d, DrawingArea, SVGBackend};
use plotters::series::{DashedLineSeries, LineSeries};
use plotters::style::{Color, RGBColor, WHITE};

use super::Problem;

/// Where a panel is drawn.
pub(super) type Root<'s> = DrawingArea<SVGBackend<'s>, Shift>;

/// What goes upwards, from where to where.
#[derive(Debug, Clone)]
pub(super) enum Axis {
    Linear(Range<f64>),
    /// Above zero.
    Logarithmic(Range<f64>),
}

/// A panel that is being drawn.
pub(super) struct Panel<'a, 's> {
    chart: ChartContext<'a, SVGBackend<'s>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    axis: Axis,
    /// Everything, for the names.
    area: &'a Root<'s>,
    /// What is shown, in the order of drawing; one name is enough for things that look alike.
    names: Vec<Name>,
}

struct Name {
    name: String,
    colour: RGBColor,
    /// Half the height of its mark, in pixels.
    thickness: i32,
}

/// Room for names at the right.
const NAMES: i32 = 150;

const TROUBLE: RGBColor = RGBColor(244, 244, 244);
const TEXT: (&str, u32) = ("sans-serif", 12);

impl<'a, 's: 'a> Panel<'a, 's> {
    /// An empty one of so many seconds; `trouble` is what is shaded.
    pub(super) fn new(
        area: &'a Root<'s>,
        title: &str,
        seconds: f64,
        axis: Axis,
        trouble: Range<f64>,
    ) -> Result<Self, Problem> {
        let height = axis.scaled();
        let mut chart = ChartBuilder::on(area)
            .margin(6)
            .margin_right(NAMES)
            .caption(title, TEXT)
            .x_label_area_size(20)
            .y_label_area_size(44)
            .build_cartesian_2d(0.0..seconds, height.clone())?;
        let shade = Rectangle::new([(trouble.start, height.start), (trouble.end, height.end)], TROUBLE.filled());
        chart.draw_series([shade])?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(WHITE.mix(0.0))
            .x_labels(10)
            .y_labels(6)
            .label_style(TEXT)
            .x_label_formatter(&|second| format!("{second:.0} s"))
            .y_label_formatter(&|value| axis.label(*value))
            .draw()?;
        Ok(Self { chart, axis, area, names: Vec::new() })
    }

    /// A line through `points`.
    pub(super) fn line(&mut self, name: &str, colour: RGBColor, points: &[(f64, f64)]) -> Result<(), Problem> {
        let points = self.placed(points);
        if points.is_empty() {
            return Ok(());
        }
        self.chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        self.name(name, colour, 1);
        Ok(())
    }

    /// A dashed one.
    pub(super) fn dashed(&mut self, name: &str, colour: RGBColor, points: &[(f64, f64)]) -> Result<(), Problem> {
        let points = self.placed(points);
        if points.is_empty() {
            return Ok(());
        }
        self.chart.draw_series(DashedLineSeries::new(points, 5, 4, colour.stroke_width(1)))?;
        self.name(name, colour, 0);
        Ok(())
    }

    /// What lies between a lower and an upper line, at the times of both.
    pub(super) fn band(&mut self, name: &str, colour: RGBColor, edges: &[(f64, f64, f64)]) -> Result<(), Problem> {
        let lower: Vec<(f64, f64)> = edges.iter().map(|(at, lower, _)| (*at, *lower)).collect();
        let upper: Vec<(f64, f64)> = edges.iter().rev().map(|(at, _, upper)| (*at, *upper)).collect();
        let outline: Vec<(f64, f64)> = self.placed(&lower).into_iter().chain(self.placed(&upper)).collect();
        self.chart.draw_series([Polygon::new(outline, colour.filled())])?;
        self.name(name, colour, 4);
        Ok(())
    }

    /// A coloured stretch of time behind everything that is drawn later.
    pub(super) fn background(&mut self, name: &str, colour: RGBColor, time: Range<f64>) -> Result<(), Problem> {
        let height = self.axis.scaled();
        let stretch = Rectangle::new([(time.start, height.start), (time.end, height.end)], colour.filled());
        self.chart.draw_series([stretch])?;
        self.name(name, colour, 4);
        Ok(())
    }

    /// Puts the names beside it.
    pub(super) fn finish(self) -> Result<(), Problem> {
        let left = i32::try_from(self.area.dim_in_pixel().0)? - NAMES + 8;
        for (y, Name { name, colour, thickness }) in (30..).step_by(16).zip(&self.names) {
            let mark = [(left, y - thickness), (left + 14, y + thickness + 1)];
            self.area.draw(&Rectangle::new(mark, colour.filled()))?;
            self.area.draw(&Text::new(name.as_str(), (left + 20, y - 6), TEXT))?;
        }
        Ok(())
    }

    fn name(&mut self, name: &str, colour: RGBColor, thickness: i32) {
        if !self.names.iter().any(|known| known.name == name) {
            self.names.push(Name { name: name.to_owned(), colour, thickness });
        }
    }

    /// Points within the axis.
    fn placed(&self, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
        points.iter().map(|(at, value)| (*at, self.axis.place(*value))).collect()
    }
}

impl Axis {
    /// The range on paper.
    fn scaled(&self) -> Range<f64> {
        match self {
            Self::Linear(range) => range.clone(),
            Self::Logarithmic(range) => range.start.log10()..range.end.log10(),
        }
    }

    /// Where a value lies on paper; beyond the axis at its end.
    fn place(&self, value: f64) -> f64 {
        match self {
            Self::Linear(range) => value.clamp(range.start, range.end),
            Self::Logarithmic(range) => value.clamp(range.start, range.end).log10(),
        }
    }

    fn label(&self, placed: f64) -> String {
        match self {
            Self::Linear(_) => format!("{placed:.0}"),
            Self::Logarithmic(_) => format!("{:.0}", 10_f64.powf(placed)),
        }
    }
}
