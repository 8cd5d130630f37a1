import ArgumentParser
import Understudy
import UnderstudyBenchmarks

extension BenchCommand {
  struct CriticalPoint: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "critical-point",
      abstract:
        "The critical-point search: how many students reach gradients below 1e-10, and how many deep teachers are found.",
      discussion: """
        Students of two layers are of the paper's kind; times are processor seconds with the Hessian's eigenvalues, \
        without the SGD before.

        Deep students, twice as wide as their Gaussian teachers, are trained by Adam, led to a critical point and merged: a teacher is \
        recovered if no weight of the merged student is off by 1e-8, up to order and scale. Times are processor seconds \
        of training, critical-point searches and merging, on one core.
        """,
      aliases: ["finishing"])

    @Option(
      help:
        "One of \(Self.names); may be given several times (default: those of two layers but the paper's, and deep-6-6)."
    )
    var size: [String] = []

    @Option(help: "Seeds of each size (default: 32 for the small ones, 8 for the others, and 1 for the paper's).")
    var seeds: Int?

    @Flag(help: "A line for each seed of the deep sizes as well.")
    var each = false

    private static let names =
      (CriticalPointBenchmark.Size.standard.map(\.name) + ReconstructionBenchmark.Size.standard.map(\.name))
      .joined(separator: ", ")

    func validate() throws {
      for name in size
      where !CriticalPointBenchmark.Size.standard.contains(where: { $0.name == name })
        && !ReconstructionBenchmark.Size.standard.contains(where: { $0.name == name })
      {
        throw ValidationError("--size \(name): give one of \(Self.names)")
      }
      if let seeds, seeds < 1 { throw ValidationError("--seeds \(seeds): give 1 or more") }
    }

    func run() async throws {
      try await reportingErrors {
        adviseOnKernels()
        try printLine(machineKind())
        let twoLayer = CriticalPointBenchmark.Size.standard.filter {
          size.isEmpty ? !$0.name.hasPrefix("paper") : size.contains($0.name)
        }
        if !twoLayer.isEmpty { try printLine(searchTable(twoLayer)) }
        let deep = ReconstructionBenchmark.Size.standard.filter {
          size.isEmpty ? $0.name == "deep-6-6" : size.contains($0.name)
        }
        if !deep.isEmpty { try printLine(reconstructionTable(deep)) }
      }
    }

    private func searchTable(_ sizes: [CriticalPointBenchmark.Size]) throws -> String {
      var table = TextTable([
        "size", "d", "m", "n", "C", "N", "p", "reached", "iterations", "restarts", "s, mean", "s, worst", "max |g|",
      ])
      for one in sizes {
        let result = try CriticalPointBenchmark().run(one, seedCount: seeds)
        table.add([
          one.name, "\(one.d)", "\(one.m)", "\(one.n)", "\(one.c)", "\(one.sampleCount)", short(one.strengthDecay),
          "\(result.reachedCount) of \(seeds ?? one.seedCount)", format(result.meanIterations, digits: 1),
          format(result.meanRestarts, digits: 1), format(result.meanSeconds, digits: 3),
          format(result.largestSeconds, digits: 3), short(result.largestGradient),
        ])
      }
      return table.text
    }

    /// The loss after training is the worst of all seeds, the weight error that of the recovered ones.
    private func reconstructionTable(_ sizes: [ReconstructionBenchmark.Size]) throws -> String {
      var table = TextTable([
        "size", "d, C", "N", "recovered", "reached", "trained loss", "weight error", "s training", "s searching",
        "s merging", "s, mean", "s, worst",
      ])
      for one in sizes {
        let outcomes = try (1...UInt64(seeds ?? one.seedCount)).map { seed in
          let outcome = try ReconstructionBenchmark().run(one, seed: seed)
          if each { try printLine(line(of: outcome, one)) }
          return outcome
        }
        let count = Double(outcomes.count)
        func mean(_ value: (ReconstructionBenchmark.Outcome) -> Double) -> String {
          format(outcomes.reduce(0) { $0 + value($1) } / count, digits: 2)
        }
        let recovered = outcomes.filter(\.isRecovered)
        table.add([
          one.name, "\(one.d)", "\(one.sampleCount)", "\(recovered.count) of \(outcomes.count)",
          "\(outcomes.count { $0.reachedTarget })", short(outcomes.map(\.trainedLoss).max() ?? 0),
          recovered.compactMap(\.largestWeightError).max().map(short) ?? "-", mean(\.trainingSeconds),
          mean(\.searchSeconds), mean(\.mergingSeconds), mean(\.seconds),
          format(outcomes.map(\.seconds).max() ?? 0, digits: 2),
        ])
      }
      return table.text
    }

    private func line(of outcome: ReconstructionBenchmark.Outcome, _ size: ReconstructionBenchmark.Size) -> String {
      "\(size.name), seed \(outcome.seed): loss \(short(outcome.trainedLoss)) trained, \(short(outcome.loss)) at the end; "
        + "units \(outcome.unitCounts.map(String.init).joined(separator: "-")); weight error "
        + "\(outcome.largestWeightError.map(short) ?? "-"); \(format(outcome.seconds, digits: 1)) s"
    }
  }
}
