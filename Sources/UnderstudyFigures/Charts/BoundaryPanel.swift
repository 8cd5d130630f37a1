import Foundation

/// Colours and dashes of all panels of a boundaries figure, so that they share one legend.
struct BoundaryScales {
  var teacherCount: Int
  var style: FigureStyle

  static let unaligned = "not aligned (ρ ≤ \(recoveryThreshold))"

  func teacherName(_ teacher: Int) -> String { "teacher node \(teacher + 1)" }

  var color: JSONValue {
    style.color(
      "c", title: "", names: (0..<teacherCount).map(teacherName) + [Self.unaligned],
      colors: FigureStyle.series(teacherCount) + [FigureStyle.gray], symbol: "stroke", ["symbolStrokeWidth": 2])
  }

  var dash: JSONValue {
    [
      "field": "n", "type": "nominal", "title": nil,
      "scale": ["domain": ["teacher", "student"], "range": [[1, 0], [4, 3]]],
      "legend": ["symbolType": "stroke", "symbolStrokeColor": "#222222", "symbolSize": 300],
    ]
  }
}

/// The boundaries of one run at one epoch.
struct BoundaryPanel {
  var epoch: Int
  /// `[w_0, w_1, b]` of each node.
  var teacher: [[Double]]
  var student: [[Double]]
  var correlation: CorrelationTable

  private struct Match {
    var color: String
    var teacher: String
    var rho: JSONValue
  }

  private func match(ofStudent student: Int, scales: BoundaryScales) -> Match {
    if correlation.isDead(student: student) {
      return Match(color: BoundaryScales.unaligned, teacher: "none (dead)", rho: nil)
    }
    let best = correlation.best(ofStudent: student)
    return Match(
      color: best.rho > recoveryThreshold ? scales.teacherName(best.teacher) : BoundaryScales.unaligned,
      teacher: String(best.teacher + 1), rho: .display(best.rho))
  }

  /// How many student nodes are aligned with a teacher node, dead, or have their boundary beyond the window.
  private func summary(radius: Double) -> String {
    let alive = student.indices.filter { !correlation.isDead(student: $0) }
    let aligned = alive.count { correlation.best(ofStudent: $0).rho > recoveryThreshold }
    let dead = student.count - alive.count
    let outside = alive.count { segment(student[$0], radius: radius) == nil }
    return "\(aligned) of \(student.count) aligned" + (dead > 0 ? ", \(dead) dead" : "")
      + (outside > 0 ? ", \(outside) outside" : "")
  }

  private func segment(_ row: [Double], radius: Double) -> Segment? {
    clippedLine((row[0], row[1]), bias: row[2], radius: radius)
  }

  /// The teacher's lines, then the student's, which must stay visible on top of them.
  private func lines(radius: Double, scales: BoundaryScales) -> [JSONValue] {
    let teachers = teacher.enumerated().compactMap { index, row in
      segment(row, radius: radius).map {
        Self.line($0, ["c": .text(scales.teacherName(index)), "n": "teacher", "k": .integer(index + 1)])
      }
    }
    let students = student.enumerated().compactMap { index, row -> JSONValue? in
      guard let segment = segment(row, radius: radius) else { return nil }
      let match = match(ofStudent: index, scales: scales)
      return Self.line(
        segment,
        ["c": .text(match.color), "n": "student", "k": .integer(index + 1), "j": .text(match.teacher), "r": match.rho])
    }
    return teachers + students
  }

  /// Where student nodes are active, a polygon for each, one over the other: the darker, the more of them observe what is there.
  private func regions(radius: Double, horizontal: JSONValue, vertical: JSONValue) -> JSONValue {
    let polygons = student.map { clippedHalfPlane(($0[0], $0[1]), bias: $0[2], radius: radius) }
    let rows = polygons.enumerated().flatMap { index, corners in
      corners.enumerated().map { place, corner -> JSONValue in
        ["k": .integer(index + 1), "o": .integer(place), "x": .display(corner.x), "y": .display(corner.y)]
      }
    }
    // Together as dark as lines and inputs allow, however many there are.
    let opacity = 1 - pow(0.6, 1 / Double(max(student.count, 1)))
    return [
      "data": ["values": .array(rows)],
      "mark": [
        "type": "line", "interpolate": "linear-closed", "fill": "#7f7f7f", "fillOpacity": .display(opacity),
        "strokeWidth": 0, "tooltip": nil,
      ],
      "encoding": [
        "x": horizontal, "y": vertical, "detail": ["field": "k", "type": "nominal"],
        "order": ["field": "o", "type": "quantitative"],
      ],
    ]
  }

  /// Data points with the lines over them, on the regions where student nodes are active.
  func plot(
    inputs: String, radius: Double, width: Double, rowTitle: [String]?, scales: BoundaryScales
  ) -> JSONValue {
    func position(_ field: String, _ title: JSONValue, hasLabels: Bool = true) -> JSONValue {
      FigureStyle.quantity(
        field, title, scale: ["domain": [.number(-radius), .number(radius)], "nice": false],
        axis: [
          "values": [.number(-radius), 0, .number(radius)], "grid": false, "format": "~g", "titlePadding": 2,
          "labels": .boolean(hasLabels),
        ])
    }
    let horizontal = position("x", "x₁")
    let vertical = position("y", rowTitle.map { .texts($0 + ["x₂"]) } ?? nil, hasLabels: rowTitle != nil)
    return [
      "width": .number(width), "height": .number(width),
      "title": [
        "text": .text("\(scales.style.timeUnit) \(epoch)"), "fontSize": 11, "fontWeight": "normal", "anchor": "middle",
        "offset": 4,
        "subtitle": .text(summary(radius: radius)), "subtitleFontSize": 10, "subtitleColor": "#555555",
      ],
      "layer": [
        regions(radius: radius, horizontal: horizontal, vertical: vertical),
        [
          "data": ["name": .text(inputs)],
          "mark": Layers.dot(5, fillOpacity: 0.5).with(["color": "#9a9a9a", "clip": true]),
          "encoding": [
            "x": horizontal, "y": vertical,
            "tooltip": [FigureStyle.hover("x", "x1", format: ".3f"), FigureStyle.hover("y", "x2", format: ".3f")],
          ],
        ],
        [
          "data": ["values": .array(lines(radius: radius, scales: scales))],
          "mark": ["type": "rule"],
          "encoding": [
            "strokeWidth": Self.weight("teacher", 5, 1.6), "strokeOpacity": Self.weight("teacher", 0.4, 1),
            "x": horizontal, "y": vertical, "x2": ["field": "x2"], "y2": ["field": "y2"],
            "color": scales.color, "strokeDash": scales.dash,
            "tooltip": [
              FigureStyle.hover("n", "node of", "nominal"), FigureStyle.hover("k", "node", "ordinal"),
              FigureStyle.hover("j", "best teacher node", "nominal"), FigureStyle.hover("r", "ρ", format: ".4f"),
            ],
          ],
        ],
      ],
    ]
  }

  /// A teacher's line is broad and pale, so that a student's on the same boundary is seen on it.
  private static func weight(_ owner: JSONValue, _ value: JSONValue, _ otherwise: JSONValue) -> JSONValue {
    ["condition": ["test": .text("datum.n == '\(owner.text ?? "")'"), "value": value], "value": otherwise]
  }

  private static func line(_ segment: Segment, _ members: [String: JSONValue]) -> JSONValue {
    let ends: JSONValue = [
      "x": .display(segment.x), "y": .display(segment.y), "x2": .display(segment.x2), "y2": .display(segment.y2),
    ]
    return ends.with(members)
  }
}
