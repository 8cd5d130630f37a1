import UnderstudyNetworks
import UnderstudyNumerics

/// Which units a student's nodes become, for a budget of output change.
///
/// Each boundary is a kink `s phi(a)` and an affine remainder. A kink is left out where the data do not see it: its slope
/// does not jump, or all samples are on one side and it is affine there. The affine remainders of all boundaries, A (x, 1),
/// go into the output biases if they are constant on the inputs. Else units are turned round, each adding (1 + c) s a; and
/// if no choice of turns cancels A, some boundaries keep a unit for each orientation, because
/// `p a = [phi(a) - phi(-a)] p / (1 + c)`.
struct UnitAssignment {
  struct Unit {
    /// (w, b), `[feature + 1]`.
    var row: [Double]
    var fanOut: [Double]
    /// Original nodes of this orientation, strongest first; then those of the other.
    var members: [Int]
    var others: [Int]
  }

  private(set) var units: [Unit] = []
  private(set) var tolerance: Double
  /// nil if the network's biases cannot take what they would have to.
  private(set) var network: TwoLayerView?
  private(set) var fates: [MergedStudent.Fate]

  private let material: BoundaryClustering
  private let budget: Double
  private let existingOnly: Bool

  /// - Parameter existingOnly: plan only units whose orientation some original node has.
  init(_ material: BoundaryClustering, budget: Double, existingOnly: Bool = false) {
    self.material = material
    self.budget = budget
    self.existingOnly = existingOnly
    fates = [MergedStudent.Fate](repeating: .removed, count: material.rows.rowCount)
    tolerance = 0
    guard let rest = writeUnits(keepingRemainders: false) ?? writeUnits(keepingRemainders: true) else { return }
    finish(constant: constantPart(of: rest))
  }

  // MARK: Units

  /// Writes the units of the coarsest groups.
  ///
  /// - Returns: the affine remainder that the output biases have to take; nil if no turns make it constant and groups were
  ///   formed without regard to remainders, so that nothing was written.
  private mutating func writeUnits(keepingRemainders: Bool) -> Matrix? {
    let (kinks, epsilon) = material.units(limit: budget / 4, keepingRemainders: keepingRemainders)
    tolerance = epsilon
    let reaches = material.reaches(of: kinks)
    func split(includingAffine: Bool) -> Split {
      Split(material, kinks, reaches: reaches, limit: budget / 4, includingAffine: includingAffine)
    }
    // Affine kinks may be left out if the whole then cancels; if not, one unit each is cheaper than what would replace them.
    for includingAffine in existingOnly ? [false] : [true, false] {
      let candidate = split(includingAffine: includingAffine)
      guard let turned = cancellingTurns(of: candidate) else { continue }
      for (index, kink) in candidate.kept.enumerated() {
        add(kink, fanOut: kink.kink, isTurned: turned.contains(index))
      }
      return remainder(of: candidate, turned: turned)
    }
    return keepingRemainders ? writePairs(split(includingAffine: false)) : nil
  }

  private mutating func add(_ kink: KinkUnit, fanOut: [Double], isTurned: Bool) {
    let same = kink.members.filter { $0.isOpposite == isTurned }.map(\.node)
    let others = kink.members.filter { $0.isOpposite != isTurned }.map(\.node)
    let factor = isTurned ? -kink.scale : kink.scale
    func byStrength(_ nodes: [Int]) -> [Int] {
      nodes.sorted { (-material.strength(ofNode: $0), $0) < (-material.strength(ofNode: $1), $1) }
    }
    units.append(
      Unit(
        row: kink.row.map { $0 * factor }, fanOut: fanOut.map { $0 / kink.scale }, members: byStrength(same),
        others: byStrength(others)))
  }

  /// Keeps a unit for each orientation where the remainder asks for it.
  ///
  /// The directions of boundaries with both orientations span the remainder; as few of them as span the same are used, and
  /// those that keep a unit anyway first, because they cost one more and not two.
  ///
  /// - Returns: what is left of the remainder, constant on the inputs.
  private mutating func writePairs(_ split: Split) -> Matrix {
    let width = material.rows.columnCount - 1
    let candidates = split.kept.map { ($0, true) } + split.leftOut.map { ($0, false) }
    let carriers = candidates.indices.filter { candidates[$0].0.remainder != nil }
    var (basis, chosen) = ([[Double]](), [Int]())
    for index in carriers {
      var rest = Array(candidates[index].0.row.dropLast())
      for _ in 0..<2 {
        for direction in basis {
          let product = dotProduct(rest, direction)
          for f in 0..<width { rest[f] -= product * direction[f] }
        }
      }
      // The rows have unit length, so what is left of one is a share of it.
      let norm = euclideanNorm(rest)
      guard norm > 1e-6 else { continue }
      basis.append(rest.map { $0 / norm })
      chosen.append(index)
    }
    var rest = split.remainder
    var weights = Matrix(rowCount: chosen.count, columnCount: material.outputCount)
    let directions = Matrix(chosen.map { Array(candidates[$0].0.row.dropLast()) })
    let linear = rest.prefix(columns: width)
    if !chosen.isEmpty,
      let solution = LinearAlgebra.leastSquares(directions.transposed, linear.transposed)?.solution
    {
      weights = solution
    }
    for (place, index) in chosen.enumerated() {
      for c in 0..<material.outputCount {
        for f in 0...width { rest[c, f] -= weights[place, c] * candidates[index].0.row[f] }
      }
    }
    for (index, (kink, isKept)) in candidates.enumerated() {
      guard let place = chosen.firstIndex(of: index) else {
        if isKept { add(kink, fanOut: kink.kink, isTurned: false) }
        continue
      }
      // s' phi(a) + s'' phi(-a) = (s' + s'') phi(a) - (1 + c) s'' a
      let other = weights.row(place).map { -$0 / (1 + material.slope) }
      let own = zip(kink.kink, other).map { $0 - $1 }
      let smallest = budget / 16 / max(split.reach(index).above, split.reach(index).below, .leastNormalMagnitude)
      if own.contains(where: { abs($0) > smallest }) { add(kink, fanOut: own, isTurned: false) }
      if other.contains(where: { abs($0) > smallest }) { add(kink, fanOut: other, isTurned: true) }
    }
    return rest
  }

  // MARK: The affine remainder

  private func remainder(of split: Split, turned: Set<Int>) -> Matrix {
    var result = split.remainder
    for index in turned {
      let kink = split.kept[index]
      for c in 0..<result.rowCount {
        for f in 0..<result.columnCount { result[c, f] += (1 + material.slope) * kink.kink[c] * kink.row[f] }
      }
    }
    return result
  }

  /// The value of an affine map at the middle of the inputs: of what output biases take, the best.
  private func constantPart(of affine: Matrix) -> [Double] {
    let middle = material.middle
    return (0..<affine.rowCount).map { c in
      dotProduct(affine.row(c), middle, from: affine[c, middle.count])
    }
  }

  /// Which units to turn so that the remainder is constant on the inputs; nil if no choice was found that does.
  private func cancellingTurns(of split: Split) -> Set<Int>? {
    let limit = budget / 4
    if material.isConstant(split.remainder, limit: limit) { return [] }
    let free = split.kept.indices.filter { !existingOnly || split.kept[$0].remainder != nil }
    guard !free.isEmpty else { return nil }
    // Least squares over real numbers of turns, in the products of its columns (1 + c) s w^T: they are of size
    // outputs x features, their products only of size units. Each column is divided by its length ||s||, ||w|| being 1:
    // strong and weak units alike count 1, or weak ones would be lost to the cutoff.
    let sizes = free.map { euclideanNorm(split.kept[$0].kink) }
    let kinks = Matrix(
      zip(free, sizes).map { g, size in split.kept[g].kink.map { size > 0 ? $0 / size : 0 } })
    let directions = Matrix(free.map { Array(split.kept[$0].row.dropLast()) })
    func productsOfRows(_ a: Matrix, _ b: Matrix) -> Matrix { LinearAlgebra.product(a, b, transposingSecond: true) }
    var products = productsOfRows(kinks, kinks)
    for (i, product) in productsOfRows(directions, directions).values.enumerated() { products.values[i] *= product }
    let images = productsOfRows(directions, split.remainder.prefix(columns: material.network.inputCount))
    var sides = Matrix(rowCount: free.count, columnCount: 1)
    for i in free.indices {
      sides[i, 0] = -dotProduct(kinks.row(i), images.row(i)) / (1 + material.slope)
    }
    guard let (solution, rank) = realTurns(products, sides) else { return nil }
    let rounded = Set(free.indices.filter { solution[$0, 0] / sizes[$0] > 0.5 }.map { free[$0] })
    if material.isConstant(remainder(of: split, turned: rounded), limit: limit) { return rounded }
    guard rank < free.count, free.count <= subsetLimit else { return nil }
    // More units than equations, as with one output: then the turns are a subset sum, and there are few enough to try all.
    let best = Set(bestSubset(products: products, sides: sides.values, sizes: sizes).map { free[$0] })
    return material.isConstant(remainder(of: split, turned: best), limit: limit) ? best : nil
  }

  /// The real numbers of turns, each times its unit's size, that cancel the remainder best, and the rank of the products.
  ///
  /// Where rank is not asked for, because there are too many units to try all choices, a trace on the diagonal stands for the
  /// cutoff: n^3 / 3 operations where singular values take some 20 n^3.
  private func realTurns(_ products: Matrix, _ sides: Matrix) -> (solution: Matrix, rank: Int)? {
    let count = products.rowCount
    guard count > subsetLimit else { return LinearAlgebra.leastSquares(products, sides, cutoff: cutoff) }
    var factor = products
    for i in 0..<count { factor[i, i] += cutoff }
    guard products.isFinite, sides.isFinite, LinearAlgebra.factorCholesky(&factor) else { return nil }
    var solution = sides.transposed
    LinearAlgebra.solveCholesky(factor, rightSides: &solution)
    return (solution.transposed, count)
  }

  /// Units of which all choices of turns are tried.
  private var subsetLimit: Int { 20 }
  /// Of the products of unit columns, whose largest eigenvalue is between 1 and their number.
  private var cutoff: Double { 1e-10 }

  // MARK: The network

  /// Puts the constant into the output biases, or into a unit without a boundary if there are none, and writes the network.
  private mutating func finish(constant: [Double]) {
    let (inputCount, hasHiddenBiases) = (material.network.inputCount, material.network.hidden.biases != nil)
    var constant = constant
    for node in material.constantNodes {
      let value = material.network.activation(material.rows[node, inputCount])
      for c in constant.indices { constant[c] += material.fanOut[node, c] * value }
    }
    units.sort { ($0.members + $0.others)[0] < ($1.members + $1.others)[0] }
    var outputBiases = material.network.output.biases
    if outputBiases != nil {
      for c in constant.indices { outputBiases?[c] += constant[c] }
    } else if constant.contains(where: { abs($0) > budget / 8 }) {
      guard hasHiddenBiases else { return }
      units.append(
        Unit(
          row: [Double](repeating: 0, count: inputCount) + [1], fanOut: constant, members: material.constantNodes,
          others: []))
    }
    for (index, unit) in units.enumerated() {
      for node in unit.others where fates[node] == .removed { fates[node] = .merged(into: index) }
    }
    for (index, unit) in units.enumerated() {
      for (place, node) in unit.members.enumerated() {
        fates[node] = place == 0 ? .carries(unit: index) : .merged(into: index)
      }
    }
    let idle = Unit(
      row: [Double](repeating: 0, count: inputCount + 1),
      fanOut: [Double](repeating: 0, count: material.outputCount), members: [], others: [])
    let hidden = units.isEmpty ? [idle] : units
    network = try? TwoLayerView(
      rows: hidden.map(\.row), hasHiddenBiases: hasHiddenBiases, fanOuts: hidden.map(\.fanOut),
      outputBiases: outputBiases, activation: material.network.activation)
  }
}

/// The subset whose sum comes nearest to a target, all tried in Gray code order.
///
/// - Parameters:
///   - products: of the terms with each other, each divided by both sizes.
///   - sides: of the terms with the target, divided by their sizes.
private func bestSubset(products: Matrix, sides: [Double], sizes: [Double]) -> [Int] {
  let count = sizes.count
  // ||sum of terms - target||^2 but for a constant; `slopes` are the products of the current sum minus target.
  var slopes = (0..<count).map { -sides[$0] * sizes[$0] }
  var (isIn, value) = ([Bool](repeating: false, count: count), 0.0)
  var (best, bestValue) = (isIn, 0.0)
  for step in 1..<(1 << count) {
    let i = step.trailingZeroBitCount
    let sign = isIn[i] ? -1.0 : 1
    value += 2 * sign * slopes[i] + products[i, i] * sizes[i] * sizes[i]
    for j in 0..<count { slopes[j] += sign * products[i, j] * sizes[i] * sizes[j] }
    isIn[i].toggle()
    if value < bestValue { (best, bestValue) = (isIn, value) }
  }
  return (0..<count).filter { best[$0] }
}
