import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema
import UnderstudyTheory

/// Takes the measures of every hidden layer over the evaluation inputs; layers stand one after the other, the lowest first.
struct LayerRecorder {
  let teacher: Teacher
  let student: Student
  let inputs: Matrix
  let precision: TrainingSetting.Precision
  let instructions: InstructionSet

  /// Measures that need V_l(x).
  private static let ofCouplings: Set<Measure> = [
    .layerStrengths, .layerSmallestAlphas, .layerMeanAlphas, .layerRegionCounts, .layerCouplingA, .layerCouplingB,
  ]
  private static let ofCorrelations = ofCouplings.union([
    .layerCorrelations, .layerMatches, .layerStudentCorrelations, .layerDeadNodes,
  ])

  /// Shape and values of each of the measures that belongs here.
  func take(_ measures: Set<Measure>) throws(ShapeError) -> [Measure: (shape: [Int], values: [Double])] {
    var result: [Measure: (shape: [Int], values: [Double])] = [:]
    func add(_ measure: Measure, _ values: [Double], shape: [Int]? = nil) {
      if measures.contains(measure) { result[measure] = (shape ?? [values.count], values) }
    }
    let widths = (teacher: teacher.network.hiddenCounts, student: student.network.hiddenCounts)
    add(.layerWidths, (widths.teacher + widths.student).map(Double.init), shape: [2, widths.teacher.count])
    if measures.contains(.evaluationAgreement) { add(.evaluationAgreement, [try agreement()], shape: []) }
    if measures.contains(.layerRuleResiduals) {
      add(.layerRuleResiduals, try gradientRuleResiduals(of: student, learning: teacher, over: inputs))
    }
    if measures.contains(.layerTeacherStrengths) {
      add(.layerTeacherStrengths, try couplings(of: Student(teacher.network)).flatMap(\.strengths))
    }
    if !measures.isDisjoint(with: [.layerMirroredCorrelations, .layerBelowCorrelations, .layerActiveShares]) {
      let orientations = try layerOrientations(of: teacher, with: student, over: inputs)
      add(.layerMirroredCorrelations, orientations.flatMap(\.mirrored.bestOfStudentNodes))
      add(
        .layerBelowCorrelations,
        zip(orientations, widths.student).flatMap { orientation, count in
          orientation.below?.bestOfStudentNodes ?? [Double](repeating: 0, count: count)
        })
      add(.layerActiveShares, orientations.flatMap(\.activeShares))
    }
    guard !measures.isDisjoint(with: Self.ofCorrelations) else { return result }

    let correlations = try layerCorrelations(of: teacher, with: student, over: inputs)
    add(.layerCorrelations, correlations.flatMap(\.bestOfTeacherNodes))
    add(.layerMatches, correlations.flatMap { $0.matches.map { Double($0 ?? -1) } })
    add(.layerStudentCorrelations, correlations.flatMap(\.bestOfStudentNodes))
    add(.layerDeadNodes, correlations.flatMap(\.deadStudentIndicators))
    guard !measures.isDisjoint(with: Self.ofCouplings) else { return result }

    var parts: LayerCouplingParts = []
    if measures.contains(.layerCouplingA) { parts.insert(.meanAlpha) }
    if measures.contains(.layerCouplingB) { parts.insert(.meanBeta) }
    let couplings = try couplings(of: student, matches: correlations.map(\.matches), parts: parts)
    add(.layerStrengths, couplings.flatMap(\.strengths))
    add(.layerSmallestAlphas, couplings.flatMap(\.smallestAlphas))
    add(.layerMeanAlphas, couplings.flatMap(\.meanAbsoluteAlphas))
    add(.layerRegionCounts, couplings.map { Double($0.regionCount) })
    add(.layerCouplingA, couplings.flatMap { $0.meanAlpha?.values ?? [] })
    add(.layerCouplingB, couplings.flatMap { $0.meanBeta?.values ?? [] })
    return result
  }

  private func couplings(
    of student: Student, matches: [[Int?]] = [], parts: LayerCouplingParts = []
  ) throws(ShapeError) -> [LayerCoupling] {
    switch precision {
    case .float64:
      return try layerCoupling(
        of: teacher, with: student, over: inputs, matches: matches, parts: parts, precision: Double.self,
        instructions: instructions)
    case .float32:
      return try layerCoupling(
        of: teacher, with: student, over: inputs, matches: matches, parts: parts, precision: Float.self,
        instructions: instructions)
    }
  }

  /// The share of inputs at which both networks have their largest output at the same place.
  private func agreement() throws(ShapeError) -> Double {
    let outputs = (try teacher.network.outputs(for: inputs), try student.network.outputs(for: inputs))
    func largest(_ row: ArraySlice<Double>) -> Int? { row.indices.max { row[$0] < row[$1] } }
    let equal = (0..<inputs.rowCount).count { largest(outputs.0.row($0)) == largest(outputs.1.row($0)) }
    return Double(equal) / Double(max(1, inputs.rowCount))
  }
}
