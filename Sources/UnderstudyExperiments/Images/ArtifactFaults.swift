import UnderstudyNetworks
import UnderstudyRecords
import UnderstudySchema

/// A teacher or oracle over images that recorded runs learnt from, and that is missing, or not as it was kept.
public struct ArtifactFault: Sendable {
  /// `teacher` or `oracle`.
  public var what: String
  /// Of its weights.
  public var path: String
  public var kind: WeightsFault.Kind
  /// The first run, by setting and seed, that needs it: carried out again it makes it again.
  public var run: Run
}

extension ResultsStore {
  /// What of the trained teachers and oracles of recorded runs is missing or damaged, in the order of the runs.
  ///
  /// - Parameter readsContent: whether their bytes are compared with their digests, or files are only looked for.
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  /// - Complexity: O(runs over images), and O(bytes of networks) where these are read.
  public func artifactFaults(readsContent: Bool) throws(StoreError) -> [ArtifactFault] {
    guard study.settings.contains(where: { $0.inputs.images != nil }) else { return [] }
    let recorded = try recordedSeeds()
    var known: Set<String> = []
    var faults: [ArtifactFault] = []
    for run in study.runs where recorded[run.settingIndex]?.contains(run.seed) ?? false {
      for (what, recipe) in LabelTraining.recipes(of: run) where known.insert(recipe.hash).inserted {
        guard let kind = LabelTraining.fault(of: recipe, of: run, in: self, readsContent: readsContent) else {
          continue
        }
        faults.append(ArtifactFault(what: what, path: LabelTraining.path(of: recipe, in: self), kind: kind, run: run))
      }
    }
    return faults
  }
}

extension LabelTraining {
  /// Of the networks that a run over images begins with; none of other runs.
  static func recipes(of run: Run) -> [(what: String, recipe: Recipe)] {
    guard run.setting.inputs.images != nil else { return [] }
    return [("teacher", .imageTeacher(of: run))]
      + (run.setting.oracle.prunedShares == nil ? [] : [("oracle", .oracle(of: run))])
  }

  static func path(of recipe: Recipe, in store: ResultsStore) -> String {
    "\(store.folder.path)/artifacts/\(weightsName(of: recipe))"
  }

  /// nil if the network is as it was kept.
  fileprivate static func fault(
    of recipe: Recipe, of run: Run, in store: ResultsStore, readsContent: Bool
  ) -> WeightsFault.Kind? {
    let names = [weightsName(of: recipe), noteName(of: recipe)]
    guard names.allSatisfy({ store.artifactSize($0) != nil }) else { return .missing }
    guard readsContent else { return nil }
    return stored(recipe, in: store, Activation(run.setting.network)) == nil ? .damaged : nil
  }
}
