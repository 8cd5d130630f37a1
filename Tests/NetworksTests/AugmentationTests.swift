import Testing
import UnderstudyNumerics

@testable import UnderstudyNetworks

@Suite struct AugmentationTests {
  private func teacher() throws -> Teacher {
    try TeacherDesign(
      inputCount: 4, hiddenCount: 3, outputCount: 2, weights: .gaussian(scale: 1), bias: -0.1, strengthDecay: 0,
      activation: .relu
    ).draw(key: 5)
  }

  @Test("sizes are (2d + 1) and (2m + 1) times the data set's")
  func sizes() throws {
    let teacher = try teacher()
    var stream = RandomStream(key: 1, purpose: .test)
    let inputs = stream.normalMatrix(rowCount: 5, columnCount: 4, standardDeviation: 1)
    #expect(Augmentation(scheme: .teacherAgnostic, step: 0.1).apply(to: inputs, for: teacher).rowCount == 9 * 5)
    #expect(Augmentation(scheme: .teacherAware, step: 0.1).apply(to: inputs, for: teacher).rowCount == 7 * 5)
  }

  @Test("the slides' other sizes, 2m and m times the data set's, are parts of the whole")
  func conventions() throws {
    let teacher = try teacher()
    var stream = RandomStream(key: 1, purpose: .test)
    let inputs = stream.normalMatrix(rowCount: 5, columnCount: 4, standardDeviation: 1)
    func augmented(_ copies: Augmentation.Copies) -> Matrix {
      Augmentation(scheme: .teacherAware, step: 0.1, copies: copies).apply(to: inputs, for: teacher)
    }
    let (whole, without, up) = (augmented(.bothWays), augmented(.withoutOriginals), augmented(.oneWay))
    #expect(without.rowCount == 2 * 3 * 5 && up.rowCount == 3 * 5)
    for i in 0..<5 {
      for copy in 0..<6 {
        #expect(Array(without.row(6 * i + copy)) == Array(whole.row(7 * i + 1 + copy)))
        if copy % 2 == 0 { #expect(Array(up.row(3 * i + copy / 2)) == Array(whole.row(7 * i + 1 + copy))) }
      }
    }
  }

  @Test("every copy lies one step away along a direction, both ways", arguments: [true, false])
  func copies(isAware: Bool) throws {
    let teacher = try teacher()
    let augmentation = Augmentation(scheme: isAware ? .teacherAware : .teacherAgnostic, step: 0.25)
    var stream = RandomStream(key: 2, purpose: .test)
    let inputs = stream.normalMatrix(rowCount: 2, columnCount: 4, standardDeviation: 1)
    let augmented = augmentation.apply(to: inputs, for: teacher)
    let (directions, factor) = (augmentation.directions(for: teacher), augmentation.factor(for: teacher))
    for i in 0..<2 {
      #expect(Array(augmented.row(i * factor)) == Array(inputs.row(i)))
      for direction in 0..<directions.rowCount {
        #expect(abs(euclideanNorm(directions.row(direction)) - 1) < 1e-15)
        for (offset, sign) in [(1, 1.0), (2, -1.0)] {
          let moved = augmented.row(i * factor + 2 * direction + offset)
          let expected = zip(inputs.row(i), directions.row(direction)).map { $0 + sign * 0.25 * $1 }
          #expect(Array(moved) == expected)
        }
      }
    }
  }

  @Test("directions of the agnostic scheme are orthonormal, those of the aware one are the teacher's")
  func directions() throws {
    let teacher = try teacher()
    let axes = Augmentation(scheme: .teacherAgnostic, step: 1).directions(for: teacher)
    for a in 0..<4 {
      for b in 0..<4 {
        #expect(zip(axes.row(a), axes.row(b)).reduce(0) { $0 + $1.0 * $1.1 } == (a == b ? 1 : 0))
      }
    }
    let aware = Augmentation(scheme: .teacherAware, step: 1).directions(for: teacher)
    #expect(aware.rowCount == 3)
    // The teacher's rows have unit norm already.
    #expect(zip(aware.values, teacher.network.layers[0].weights.values).allSatisfy { abs($0 - $1) < 1e-15 })
  }
}

@Suite struct LowRankInputTests {
  @Test("inputs of rank r span r directions, the same in every set of a run", arguments: [1, 3, 6])
  func rank(r: Int) throws {
    let teacher = try TeacherDesign(
      inputCount: 7, hiddenCount: 2, outputCount: 2, weights: .gaussian(scale: 1), bias: -0.1, strengthDecay: 0,
      activation: .relu
    ).draw(key: 5)
    let design = InputDesign(count: 400, standardDeviation: 1.5, distribution: .gaussian, rank: r)
    let sets = (0..<2).map { design.draw(for: teacher, key: 9, purpose: .trainingInputs, index: $0) }
    #expect(sets[0] != sets[1])
    let values = try #require(
      LinearAlgebra.singularValues(of: Matrix(rowCount: 800, columnCount: 7, values: sets[0].values + sets[1].values))
    ).values
    #expect(values.count { $0 > 1e-9 * values[0] } == r)
    // Every coordinate within the subspace has the standard deviation of the design: within 5 sigma of 1600 r numbers.
    let meanSquare = (sets[0].values + sets[1].values).reduce(0) { $0 + $1 * $1 } / Double(800 * r)
    #expect(abs(meanSquare / 2.25 - 1) < 5 * (2 / Double(800 * r)).squareRoot())
  }
}
