import UnderstudyNetworks
import UnderstudyNumerics

/// What a data set is like before any network is asked: its rank and what is wrong with it.
public struct InputDiagnosis: Sendable, Equatable {
  public var sampleCount: Int
  public var dimension: Int
  /// Numerical rank of the centred inputs: principal standard deviations above 1e-6 of the largest. Below `dimension`, some
  /// hyperplane holds all samples, and the data set assumption fails.
  public var rank: Int
  /// Features that are the same at all samples.
  public var constantFeatures: [Int]
  /// Samples that stood in the set before.
  public var duplicateCount: Int
  /// The mean sample, `[feature]`.
  public var mean: [Double]
  /// Unit principal directions, those of small variance first, `[direction, feature]`.
  public var principalDirections: Matrix
  /// Standard deviation along each principal direction, ascending.
  public var principalDeviations: [Double]
  /// See ``inputSpread(of:)``.
  public var spread: Double

  /// Directions along which the inputs vary by more than a width: thinner sets are of low rank for bands of that width, and
  /// several hyperplanes may hold all samples near a boundary.
  public func rank(above width: Double) -> Int { min(rank, principalDeviations.count { $0 > width }) }

  /// The fewest directions that have a share of the inputs' variance.
  public func directionCount(holding share: Double) -> Int {
    let largest = principalDeviations.last ?? 0
    guard largest > 0 else { return 0 }
    let variances = principalDeviations.reversed().map { ($0 / largest) * ($0 / largest) }
    let wanted = share * variances.reduce(0, +)
    var (sum, count) = (0.0, 0)
    while sum < wanted, count < variances.count { (sum, count) = (sum + variances[count], count + 1) }
    return count
  }

  /// The sine of the angle between two boundaries as the inputs see it: the root of 1 minus the squared correlation of the two
  /// pre-activations. It is that of the angle between the normals where the inputs vary equally along all directions; what two
  /// normals have along directions in which the inputs do not vary (see ``rank``), it does not count.
  ///
  /// - Parameters: the normals, `[feature]`, of any lengths; their orientation does not matter.
  /// - Returns: nil if one of the pre-activations does not vary.
  /// - Complexity: O(features^2).
  func seenSine(_ a: some Collection<Double>, _ b: some Collection<Double>) -> Double? {
    // The pre-activations' deviations along each principal direction.
    func seen(_ normal: some Collection<Double>) -> [Double]? {
      let values = (dimension - rank..<dimension).map { direction in
        principalDeviations[direction] * dotProduct(normal, principalDirections.row(direction))
      }
      let size = euclideanNorm(values)
      let rounding = 1e-12 * (principalDeviations.last ?? 0) * normal.reduce(0) { max($0, abs($1)) }
      return size > rounding ? values.map { $0 / size } : nil
    }
    guard let a = seen(a), let b = seen(b) else { return nil }
    return sineOfAngle(a, b).sine
  }

  /// Sentences on what is wrong, for people; empty if nothing is.
  public var notes: [String] {
    var notes: [String] = []
    if rank == 0 {
      notes.append(
        "constant inputs: \(sampleCount == 1 ? "there is one sample" : "all \(sampleCount) samples are equal"), so no boundary can be seen; give varied inputs"
      )
    } else if rank < dimension {
      notes.append(
        "inputs of low rank: they vary along \(rank) of \(dimension) directions, so some hyperplane holds all samples "
          + "and weights along the other directions are not determined")
    }
    if sampleCount <= dimension {
      notes.append(
        "fewer samples than features (\(sampleCount) of \(dimension)): some hyperplane passes through all of them")
    }
    if !constantFeatures.isEmpty, rank > 0 {
      let shown = constantFeatures.prefix(8).map { "\($0 + 1)" }.joined(separator: ", ")
      notes.append("constant features: \(shown)\(constantFeatures.count > 8 ? ", ..." : "")")
    }
    if duplicateCount > 0 {
      notes.append("duplicate samples: \(duplicateCount) of \(sampleCount) stood in the set before")
    }
    return notes
  }
}

/// The spread of a set of inputs: the root of the mean variance of a feature, in units of the input; 1 where all samples are
/// equal, as there is nothing to measure by.
///
/// The length that bands are chosen by and that turns the sine of an angle into a distance: the angle theta between two
/// boundaries takes them apart by `spread sin(theta)`, root mean square over isotropic inputs.
///
/// - Shape: `inputs` is `[sample, feature]`.
/// - Complexity: O(samples x features).
public func inputSpread(of inputs: Matrix) -> Double {
  Centred(inputs).spread
}

/// Inputs about their mean, as shares of a power of two near the largest: their squares neither overflow nor underflow,
/// whatever the unit, and dividing by it rounds nothing.
struct Centred {
  let values: Matrix
  let unit: Double
  let mean: [Double]

  init(_ inputs: Matrix) {
    let largest = inputs.values.reduce(0) { max($0, abs($1)) }
    let unit = largest > 0 && largest.isFinite ? Double(sign: .plus, exponent: largest.exponent, significand: 1) : 1
    var mean = [Double](repeating: 0, count: inputs.columnCount)
    var values = inputs
    for i in values.values.indices { values.values[i] /= unit }
    for i in 0..<inputs.rowCount {
      for (feature, value) in values.row(i).enumerated() { mean[feature] += value }
    }
    for feature in mean.indices { mean[feature] /= Double(max(1, inputs.rowCount)) }
    for i in 0..<inputs.rowCount {
      for feature in mean.indices { values[i, feature] -= mean[feature] }
    }
    (self.values, self.unit, self.mean) = (values, unit, mean.map { $0 * unit })
  }

  /// Below the mean's own rounding, the inputs are constant.
  var rounding: Double { 1e-13 * mean.reduce(0) { max($0, abs($1)) } }

  var spread: Double {
    let spread = unit * values.rootMeanSquare
    return spread > rounding ? spread : 1
  }
}

/// What every diagnosis asks of a data set.
///
/// - Shape: `inputs` is `[sample, feature]`.
/// - Throws: ``ShapeError`` for no samples, no features, or numbers that are not finite; it names the first.
/// - Complexity: O(samples x features).
public func checkSamples(_ inputs: Matrix) throws(ShapeError) {
  let d = inputs.columnCount
  guard inputs.rowCount > 0, d > 0 else {
    throw ShapeError("there are no inputs; give at least one sample of one feature")
  }
  if let index = inputs.values.firstIndex(where: { !$0.isFinite }) {
    throw ShapeError(
      "the inputs are not finite: sample \(index / d + 1), feature \(index % d + 1) is \(inputs.values[index]); "
        + "remove that sample")
  }
}

/// Diagnoses a data set.
///
/// - Shape: `inputs` is `[sample, feature]`.
/// - Throws: ``ShapeError``, as ``checkSamples(_:)``.
/// - Complexity: O(samples x features^2 + features^3).
public func diagnosis(of inputs: Matrix) throws(ShapeError) -> InputDiagnosis {
  try checkSamples(inputs)
  let (count, d) = (inputs.rowCount, inputs.columnCount)
  let centred = Centred(inputs)
  var covariance = LinearAlgebra.product(centred.values, transposingFirst: true, centred.values)
  for i in covariance.values.indices { covariance.values[i] /= Double(count) }
  guard let eigen = LinearAlgebra.symmetricEigen(covariance) else {
    throw ShapeError("the principal directions of the inputs could not be computed; rescale them")
  }
  let deviations = eigen.values.map { centred.unit * max(0, $0).squareRoot() }
  let largest = deviations.last ?? 0
  // Rounding of the mean alone leaves about 1e-16 of the inputs' size, also where they do not vary.
  let floor = max(1e-6 * largest, centred.rounding)
  var seen: Set<[Double]> = []
  var duplicateCount = 0
  for i in 0..<count where !seen.insert(Array(inputs.row(i))).inserted { duplicateCount += 1 }
  return InputDiagnosis(
    sampleCount: count, dimension: d, rank: deviations.count { $0 > floor },
    constantFeatures: (0..<d).filter { feature in (1..<count).allSatisfy { inputs[$0, feature] == inputs[0, feature] }
    },
    duplicateCount: duplicateCount, mean: centred.mean, principalDirections: eigen.vectors,
    principalDeviations: deviations, spread: centred.spread)
}
