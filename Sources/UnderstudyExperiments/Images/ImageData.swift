import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTraining

/// Both parts of a set of images, as networks take them: loaded once, and shared by all runs.
struct ImageData: Sendable {
  let training: ImageSet
  let evaluation: ImageSet
  /// Where a setting has no other.
  private let normalization: ChannelNormalization

  /// - Throws: ``ExperimentError/input(_:)`` if the folder's files are not those that the study was resolved with, or no set.
  /// - Complexity: O(bytes).
  init(_ source: SourceFile) throws(ExperimentError) {
    guard let folder = source.imageFolder else {
      guard ImageFolder.digest(of: source.path) != nil else {
        throw .input(
          "\(source.path): no set of images is there any more; put it back, or run the study of the results folder once more with "
            + "--set inputs.images=PLACE, where the same images are now: no run is made again")
      }
      throw .input(
        "\(source.path): the images are not those that the study was begun with; put them back, or begin anew in another "
          + "results folder (--results)")
    }
    try self.init(path: folder)
  }

  /// The set of that name or folder as it is now.
  ///
  /// - Parameter normalization: nil: by the means and deviations of the set.
  /// - Throws: ``ExperimentError/input(_:)`` if there is none, or if it has other channels.
  init(path: String, normalization given: ChannelNormalization? = nil) throws(ExperimentError) {
    let found = try ExperimentError.reading { () throws(FileError) in try ImageSource.find(path) }
    training = try ExperimentError.reading { () throws(FileError) in try found.load(.training) }
    evaluation = try ExperimentError.reading { () throws(FileError) in try found.load(.evaluation) }
    let training = training
    normalization = try ExperimentError.catching(path) { () throws(ShapeError) in
      try found.normalization(of: training, given: given)
    }
  }

  /// Whether a network takes these images.
  ///
  /// - Throws: ``ExperimentError/input(_:)`` if it does not.
  func check(_ network: Network, name: String) throws(ExperimentError) {
    let size = training.size
    guard network.inputCount == size.count, network.isDense || network.architecture.input == size else {
      let given = network.isDense ? "\(network.inputCount) numbers" : "images of \(network.architecture.input)"
      throw .input("\(name): takes \(given), and the images are \(size); give images or a network of the other's size")
    }
  }

  /// All training images, as they are.
  var allTrainingImages: ImageBatcher { ImageBatcher(training, normalization: normalization) }

  /// All evaluation images.
  var allEvaluationImages: ImageBatcher { ImageBatcher(evaluation, normalization: normalization) }

  var byteCount: Int { (training.count + evaluation.count) * training.size.count }

  /// The images that a run trains on, of which each use may be moved and mirrored.
  ///
  /// - Throws: ``ExperimentError/input(_:)`` if the set has fewer, or other channels than are normalised.
  func trainingImages(_ setting: InputSetting, key: UInt64) throws(ExperimentError) -> TrainingImages {
    let augmentation =
      setting.cropPadding > 0 || setting.flips
      ? ImageAugmentation(cropPadding: setting.cropPadding, flips: setting.flips) : nil
    return TrainingImages(
      try batcher(training, setting, setting.training.count, "inputs.training.count"), augmentation: augmentation,
      key: key)
  }

  /// The images that a run is evaluated on.
  ///
  /// - Throws: ``ExperimentError/input(_:)`` if the set has fewer, or other channels than are normalised.
  func evaluationImages(_ setting: InputSetting) throws(ExperimentError) -> ImageBatcher {
    try batcher(evaluation, setting, setting.evaluation.count, "inputs.evaluation.count")
  }

  private func batcher(
    _ set: ImageSet, _ setting: InputSetting, _ count: Int, _ key: String
  ) throws(ExperimentError) -> ImageBatcher {
    guard count <= set.count else {
      throw .input("\(key) is \(count), but there are \(set.count) images; give at most that")
    }
    let chosen = try setting.channelNormalization.map { (given) throws(ExperimentError) in
      try ExperimentError.catching("inputs.channelNormalization") { () throws(ShapeError) in
        try ChannelNormalization(given).forChannels(set.size.channels)
      }
    }
    return ImageBatcher(set.prefix(count), normalization: chosen ?? normalization)
  }
}
