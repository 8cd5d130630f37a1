import Foundation
import UnderstudyRecords
import UnderstudySchema

/// Results that no network was trained for, in the shapes that training gives: the L's two arms, recovery that falls with
/// the teacher node's index and rises with over-realization, losses that fall exponentially at 1x and as a power law above.
enum Synthetic {
  static func run(
    _ setting: Setting, index: Int = 0, seed: Int = 0, outcome: Outcome = .completed,
    _ measurements: [MeasuredValue] = []
  ) -> RunRecord {
    RunRecord(
      run: Run(
        hash: "\(index)-\(seed)", settingIndex: index, setting: setting, seed: seed,
        randomKey: UInt64(index * 1000 + seed), replicaKey: 0),
      outcome: outcome, studyHash: "5f0e2c", version: "0.2.0", machine: "Synthetic processor, avx2",
      finishedAt: Date(timeIntervalSince1970: 1_700_000_000 + Double(index * 100 + seed)), wallSeconds: 1.5,
      cpuSeconds: 1.25, stepCount: 1000, measurements: measurements)
  }

  static func setting(decay: Double = 1, multiple: Double = 1, teacherNodes: Int = 10, epochs: Int = 100) -> Setting {
    var setting = Setting()
    setting.teacher.strengthDecay = decay
    setting.teacher.hiddenNodes = teacherNodes
    setting.student.overRealization = OverRealization(multiple)
    setting.training.epochs = epochs
    return setting
  }

  /// Decays x multiples x seeds, with every measure that the two-layer figures read.
  static func sweep(
    decays: [Double], multiples: [Double], seedCount: Int, teacherNodes: Int = 10, epochs: Int = 100,
    figures: [FigureDeclaration] = [], findings: [FindingDeclaration] = []
  ) -> StudyResults {
    let settings = decays.flatMap { decay in
      multiples.map { setting(decay: decay, multiple: $0, teacherNodes: teacherNodes, epochs: epochs) }
    }
    var runs: [RunRecord] = []
    for (index, setting) in settings.enumerated() {
      for seed in 0..<seedCount {
        var noise = Noise(state: UInt64(index * 977 + seed * 31 + 7))
        runs.append(run(setting, index: index, seed: seed, measurements(of: setting, noise: &noise)))
      }
    }
    let study = Study(
      name: "two-layer",
      claim: "Strong teacher nodes are learnt first; over-realized students recover more of the weak ones.",
      settings: settings, variedKeys: ["teacher.strengthDecay", "student.overRealization"],
      seeds: Array(0..<seedCount), figures: figures, findings: findings)
    return StudyResults(study: study, runs: runs)
  }

  private static func measurements(
    of setting: Setting, noise: inout Noise
  ) -> [MeasuredValue] {
    let m = setting.teacher.hiddenNodes
    let multiple = setting.student.overRealization.last
    let n = Int((Double(m) * multiple).rounded(.up))
    let p = setting.teacher.strengthDecay
    let last = setting.training.epochs
    var result: [MeasuredValue] = []
    for epoch in [5, last] {
      var rho = [Double](repeating: 0, count: m * n)
      var norms: [Double] = []
      var dead: [Double] = []
      for k in 0..<n {
        let teacher = k % m
        let reach = (epoch == last ? 1.6 : 0.5) + 0.35 * multiple.squareRoot() - p * 0.9 * log(Double(teacher + 1)) / 2
        let isAligned = reach + 0.35 * noise.normal() > 0 && (k < m || noise.uniform() < 0.35)
        let isDead = !isAligned && noise.uniform() < 0.04
        dead.append(isDead ? 1 : 0)
        for j in 0..<m where !isDead {
          rho[j * n + k] = 0.25 * noise.uniform() * noise.uniform()
        }
        if isAligned { rho[teacher * n + k] = 1 - 0.02 * noise.uniform() * noise.uniform() }
        if !isAligned, !isDead { rho[teacher * n + k] = 0.15 + 0.75 * noise.uniform() }
        let strength = 4.5 / pow(Double(teacher + 1), p)
        norms.append(isAligned ? strength * (0.35 + 0.65 * noise.uniform()) : 0.05 + 0.25 * noise.uniform())
      }
      for measure in [Measure.trainingCorrelation, .evaluationCorrelation] {
        result.append(.init(measure, epoch: epoch, shape: [m, n], values: rho))
      }
      result.append(.init(.fanOutNorms, epoch: epoch, shape: [n], values: norms))
      result.append(.init(.boundaryStrengths, epoch: epoch, shape: [n], values: norms.map { $0 * 0.9 }))
      result.append(.init(.trainingDeadNodes, epoch: epoch, shape: [n], values: dead))
    }
    for epoch in 0...last {
      let t = Double(epoch)
      let level = multiple == 1 ? 1.3 - 0.31 * t : 1.3 - 1.2 * log(1 + t) - 3.2 / multiple * log10(1 + t)
      let floor = p == 0 ? -30.5 : -2.0 - 8 / (1 + p) + noise.normal() * 0.1
      result.append(.init(.evaluationLoss, epoch: epoch, values: [pow(10, max(level, floor) + 0.25 * noise.normal())]))
    }
    return result
  }

  /// Two teacher nodes in the plane; students of 2 and 6 nodes that turn towards them.
  static func plane(figures: [FigureDeclaration] = []) -> StudyResults {
    let teacher: [[Double]] = [[0.8, 0.6, -0.4], [-0.5, 0.87, 0.3]]
    let epochs = [0, 1, 2, 5, 20]
    let settings = [1.0, 3].map { setting(decay: 0, multiple: $0, teacherNodes: 2, epochs: 20) }
    var runs: [RunRecord] = []
    for (index, setting) in settings.enumerated() {
      var noise = Noise(state: UInt64(index + 3))
      let n = 2 * Int(setting.student.overRealization.last)
      var result: [MeasuredValue] = [
        .init(.inputSample, epoch: 0, shape: [400, 2], values: (0..<800).map { _ in 1.5 * noise.normal() }),
        .init(.teacherBoundaries, epoch: 0, shape: [2, 3], values: teacher.flatMap { $0 }),
      ]
      let start = (0..<n).map { _ in [noise.normal(), noise.normal(), 0] }
      for epoch in epochs {
        let progress = 1 - exp(-Double(epoch) / 3)
        var rho = [Double](repeating: 0, count: 2 * n)
        var rows: [Double] = []
        for k in 0..<n {
          let goal = teacher[k % 2]
          let speed = k < 2 ? progress : progress * 0.55
          rows += zip(start[k], goal).map { $0 + speed * ($1 - $0) }
          rho[(k % 2) * n + k] = k == 5 ? 0 : 0.2 + 0.799 * speed
          rho[(1 - k % 2) * n + k] = k == 5 ? 0 : 0.1
        }
        result.append(.init(.studentBoundaries, epoch: epoch, shape: [n, 3], values: rows))
        result.append(.init(.evaluationCorrelation, epoch: epoch, shape: [2, n], values: rho))
      }
      runs.append(run(setting, index: index, seed: 0, result))
    }
    let study = Study(
      name: "plane", claim: "Student boundaries snap onto the teacher's.", settings: settings,
      variedKeys: ["student.overRealization"], seeds: [0], figures: figures)
    return StudyResults(study: study, runs: runs)
  }
}

/// SplitMix64: the same numbers on every machine.
struct Noise {
  var state: UInt64

  mutating func uniform() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((z ^ (z >> 31)) >> 11) / 9_007_199_254_740_992
  }

  mutating func normal() -> Double {
    (-2 * log(1 - uniform())).squareRoot() * cos(2 * .pi * uniform())
  }
}
