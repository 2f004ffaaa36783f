//! The entropy along a file as an SVG: a line, axes, no script.

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 240.0;
const MARGIN: f64 = 40.0;

/// Draws windows of `window_bytes` each; the y axis is 0 to 8 bits.
pub fn svg(windows: &[f64], window_bytes: u64) -> String {
    let (inner_width, inner_height) = (WIDTH - 2.0 * MARGIN, HEIGHT - 2.0 * MARGIN);
    let step = inner_width / (windows.len().max(2) - 1) as f64;
    let y = |bits: f64| MARGIN + inner_height * (1.0 - bits / 8.0);
    let points: Vec<_> = windows
        .iter()
        .enumerate()
        .map(|(number, bits)| format!("{:.1},{:.1}", MARGIN + step * number as f64, y(*bits)))
        .collect();
    let grid: String = [0.0, 2.0, 4.0, 6.0, 8.0]
        .iter()
        .map(|bits| {
            let at = y(*bits);
            format!(
                "<line x1=\"{MARGIN}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{bits}</text>",
                WIDTH - MARGIN,
                MARGIN - 6.0,
                at + 4.0
            )
        })
        .collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>{grid}\
         <polyline fill=\"none\" stroke=\"#06c\" points=\"{}\"/>\
         <text x=\"{MARGIN}\" y=\"20\">entropy, bits per byte</text>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">windows of {window_bytes} bytes</text></svg>\n",
        points.join(" "),
        WIDTH - MARGIN,
        HEIGHT - 12.0
    )
}
