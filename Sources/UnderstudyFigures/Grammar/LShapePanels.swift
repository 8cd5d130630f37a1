import UnderstudySchema

/// What the panels of an L-shape have in common: a dot for each student node, its best rho to the right, how much it matters
/// as height.
struct LShapePanels {
  /// 1 - rho below is rounding.
  static let floor = 1e-16

  var rows: [JSONValue] = []
  var dotCount = 0
  var deadCount = 0
  var lowestRho = 0.0
  /// Nodes with rho <= 0, and those within rounding of 1, which a logarithmic axis cannot place.
  private var edgeCount = 0
  private var alignedDistances: [Double] = []
  private var largestDistance = 0.1
  private var smallestDistance = 0.1

  mutating func count(_ nodes: LayerNodes) {
    dotCount += nodes.live.count
    deadCount += nodes.isDead.count { $0 }
    for rho in nodes.live.map({ nodes.rho[$0] }) {
      lowestRho = min(lowestRho, rho)
      let distance = Self.distance(rho)
      if rho <= 0 || 1 - rho < Self.floor { edgeCount += 1 }
      if rho > recoveryThreshold { alignedDistances.append(distance) }
      (smallestDistance, largestDistance) = (min(smallestDistance, distance), max(largestDistance, distance))
    }
  }

  /// 1 - rho as a logarithmic axis has it.
  static func distance(_ rho: Double) -> Double { min(1, max(floor, 1 - rho)) }

  /// Whether a quarter of the nodes and more are aligned, half of them so close to rho = 1 that a linear axis would have them all
  /// at its edge.
  var hasConverged: Bool {
    4 * alignedDistances.count >= dotCount && median(alignedDistances).map { $0 < 0.01 } ?? false
  }

  func isLogarithmic(_ declared: PlotDeclaration.Scale?) -> Bool {
    declared.map { $0 == .logarithmic } ?? hasConverged
  }

  /// Hundreds of dots a panel are read by their density, a few must be seen one by one.
  func mark(_ dotsPerPanel: Int, sizes: (many: Double, few: Double)) -> JSONValue {
    let isMany = dotsPerPanel > 400
    return Layers.dot(isMany ? sizes.many : sizes.few, fillOpacity: dotsPerPanel > 2000 ? 0.15 : isMany ? 0.3 : 0.55)
  }

  /// - Parameter field: of rho, or of its distance from 1.
  func x(
    _ field: String, isLogarithmic: Bool, width: Double, style: FigureStyle, isLabelled: Bool = true,
    _ more: [String: JSONValue] = [:]
  ) -> JSONValue {
    var encoding: JSONValue
    if isLogarithmic {
      var axis = LogarithmicAxis("1 − ρ with the best teacher node", around: [smallestDistance, largestDistance])
      if width < 170 * style.scale { axis.title = "1 − best ρ" }
      axis.isReversed = true
      axis.labelCount = Int(width / (34 * style.scale))
      encoding = axis.encoding(field)
    } else {
      encoding = FigureStyle.correlation(
        field, title: width > 190 * style.scale ? "best correlation ρ with a teacher node" : "best correlation ρ",
        lowest: lowestRho)
    }
    if !isLabelled { encoding = encoding.with(["title": nil]) }
    // Labels that would reach into the next panel are left out.
    let own = (encoding["axis"] ?? [:]).with(isLogarithmic ? ["labelBound": 6] : [:])
    return encoding.with(["axis": own.with(more)])
  }

  /// The line at which a node counts as recovered, on a logarithmic axis.
  func threshold(_ x: JSONValue) -> JSONValue {
    var place = x.members
    place["field"] = "t"
    return [
      // Its own data, so that there is one line and not one for each dot.
      "data": ["values": [["t": .number((1 - recoveryThreshold).rounded(toDigits: 3))]]],
      "mark": ["type": "rule", "strokeDash": [3, 3], "strokeWidth": 0.8, "color": "#555555"],
      "encoding": [
        "x": .object(place), "y": ["value": 0], "y2": ["value": "height"], "color": ["value": "#555555"],
        "tooltip": ["value": nil],
      ],
    ]
  }

  /// What notes say of a logarithmic axis.
  var scaleNotes: [String] {
    [
      "The axis is that of 1 − ρ, on a logarithmic scale: aligned nodes stand to the right. Dashed: ρ = \(recoveryThreshold)."
    ]
      + (edgeCount > 0 ? ["\(edgeCount) nodes with ρ below 0 or within 1e-16 of 1 are drawn at that."] : [])
  }
}
